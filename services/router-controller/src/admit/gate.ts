/**
 * A place for each request worked on, and a short bounded queue: a flood is told to come back, not left to time out. No
 * tenant takes the last places: it may hold its share of those that are left to it, so that somebody else finds one.
 */
import { abortError, RouterError } from '../errors.ts';
import type { Metrics } from '../observe/index.ts';

export interface GateOptions {
  readonly max_in_flight: number;
  readonly max_queue: number;
  readonly max_queue_wait_ms: number;
  /** Share of the places that one tenant may hold while nobody else holds any, 0…1; default: 1. */
  readonly tenant_share?: number;
}

interface Waiter {
  readonly since: number;
  readonly enter: () => void;
  readonly refuse: (error: RouterError) => void;
}

export class Gate {
  #options: GateOptions;
  readonly #metrics: Pick<Metrics, 'inFlight' | 'queued' | 'queueWait'> | null;
  /** One queue a tenant, served in turn: one tenant's flood waits behind itself. */
  readonly #queues = new Map<string, Waiter[]>();
  /** Places held, by tenant. */
  readonly #held = new Map<string, number>();
  #inFlight = 0;
  #queued = 0;

  /** @param metrics that tell of it; default: none do. */
  constructor(options: GateOptions, metrics: Metrics | null = null) {
    this.#options = options;
    this.#metrics = metrics;
  }

  /** Applies to requests that come from now on, and to those that wait. */
  useOptions(options: GateOptions): void {
    this.#options = options;
    this.#serve();
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Waits for a place.
   *
   * @returns leave; call it once.
   * @throws RouterError overloaded (503 with retry-after), client_closed_request
   */
  async enter(tenant: string, signal: AbortSignal): Promise<() => void> {
    const { max_queue, max_queue_wait_ms } = this.#options;
    if (this.#fits(tenant) && !this.#queues.has(tenant)) this.#take(tenant);
    else {
      if (this.#queued >= max_queue && !this.#displace(tenant)) throw this.#overloaded();
      const since = performance.now();
      const place = Promise.withResolvers<void>();
      const waiter: Waiter = { since, enter: place.resolve, refuse: place.reject };
      const queue = this.#queues.get(tenant) ?? [];
      queue.push(waiter);
      this.#queues.set(tenant, queue);
      this.#queued++;
      this.#metrics?.queued.set(this.#queued);
      const timer = setTimeout(() => place.reject(this.#overloaded()), max_queue_wait_ms);
      const onAbort = () => place.reject(abortError(signal, 'it waited for a place'));
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        await place.promise;
      } catch (error) {
        this.#drop(tenant, waiter);
        throw error;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#queued--;
        this.#metrics?.queued.set(this.#queued);
        this.#metrics?.queueWait.observe((performance.now() - since) / 1000);
      }
    }
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave(tenant);
    };
  }

  /**
   * What a tenant holds must be less than so many times what is free: alone it may hold its share of all, with others
   * each a part of what is left, and some places are free for who comes next.
   */
  #fits(tenant: string): boolean {
    const { max_in_flight, tenant_share = 1 } = this.#options;
    const free = max_in_flight - this.#inFlight;
    if (free <= 0) return false;
    return tenant_share >= 1 || (this.#held.get(tenant) ?? 0) < (tenant_share / (1 - tenant_share)) * free;
  }

  #take(tenant: string): void {
    this.#held.set(tenant, (this.#held.get(tenant) ?? 0) + 1);
    this.#inFlight++;
    this.#metrics?.inFlight.set(this.#inFlight);
  }

  #leave(tenant: string): void {
    const held = this.#held.get(tenant)! - 1;
    if (held > 0) this.#held.set(tenant, held);
    else this.#held.delete(tenant);
    this.#inFlight--;
    this.#metrics?.inFlight.set(this.#inFlight);
    // In the same turn, so that nobody slips in between.
    this.#serve();
  }

  /** Gives free places to those who wait, tenants in turn. */
  #serve(): void {
    for (let next = this.#next(); next; next = this.#next()) next.enter();
  }

  #next(): Waiter | null {
    for (const [tenant, queue] of this.#queues) {
      if (!this.#fits(tenant)) continue;
      const waiter = queue.shift()!;
      this.#queues.delete(tenant);
      // Back to the end of the round, behind the other tenants.
      if (queue.length > 0) this.#queues.set(tenant, queue);
      this.#take(tenant);
      return waiter;
    }
    return null;
  }

  /** Makes room in a full queue: the last of those who fill it gives way to a tenant with fewer waiting. */
  #displace(tenant: string): boolean {
    let longest: Waiter[] = [];
    for (const queue of this.#queues.values()) if (queue.length > longest.length) longest = queue;
    // Who comes must not have as many afterwards as the one who gives way had before.
    if ((this.#queues.get(tenant)?.length ?? 0) + 1 >= longest.length) return false;
    longest.pop()!.refuse(this.#overloaded());
    return true;
  }

  #drop(tenant: string, waiter: Waiter): void {
    const queue = this.#queues.get(tenant)?.filter((other) => other !== waiter) ?? [];
    if (queue.length > 0) this.#queues.set(tenant, queue);
    else this.#queues.delete(tenant);
  }

  #overloaded(): RouterError {
    return new RouterError(
      'overloaded',
      'The router has as many requests as it can serve; try again shortly',
      {
        headers: { 'retry-after': '1' },
      },
    );
  }
}
