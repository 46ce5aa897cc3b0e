/** Bytes of request bodies that the process holds at once, over all of them and by tenant. */
import { RouterError } from '../errors.ts';

export interface BudgetOptions {
  /** Most bytes over all bodies. */
  readonly total: number;
  /** Share of `total` that one tenant may hold, 0…1. */
  readonly tenantShare: number;
}

/** What one request holds; give it back once the body is needed no more. */
export interface Held {
  /** @throws RouterError overloaded when there is no room for so many more */
  readonly take: (bytes: number) => void;
  readonly release: () => void;
}

/**
 * @example
 * const held = budget.open('acme');
 * held.take(chunk.length); // throws overloaded when the process holds too much
 * held.release();
 */
export class ByteBudget {
  #options: BudgetOptions;
  readonly #tenants = new Map<string, number>();
  readonly #onChange: (bytes: number) => void;
  #held = 0;

  constructor(options: BudgetOptions, onChange: (bytes: number) => void = () => {}) {
    this.#options = options;
    this.#onChange = onChange;
  }

  useOptions(options: BudgetOptions): void {
    this.#options = options;
  }

  get held(): number {
    return this.#held;
  }

  open(tenant: string): Held {
    let mine = 0;
    return {
      take: (bytes) => {
        const { total, tenantShare } = this.#options;
        const ofTenant = this.#tenants.get(tenant) ?? 0;
        if (this.#held + bytes > total || ofTenant + bytes > total * tenantShare) {
          throw new RouterError(
            'overloaded',
            'The router holds as many bytes of requests as it can (server.body_bytes_in_flight); try again shortly',
            { headers: { 'retry-after': '1' } },
          );
        }
        mine += bytes;
        this.#add(tenant, bytes);
      },
      release: () => {
        if (mine === 0) return;
        this.#add(tenant, -mine);
        mine = 0;
      },
    };
  }

  #add(tenant: string, bytes: number): void {
    this.#held += bytes;
    const ofTenant = (this.#tenants.get(tenant) ?? 0) + bytes;
    if (ofTenant > 0) this.#tenants.set(tenant, ofTenant);
    else this.#tenants.delete(tenant);
    this.#onChange(this.#held);
  }
}
