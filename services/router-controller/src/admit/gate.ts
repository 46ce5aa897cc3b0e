/** A place for each request worked on, and a short bounded queue: a flood is told to come back, not left to time out. */
import { abortError, RouterError } from '../errors.ts';
import type { Metrics } from '../observe/index.ts';

export interface GateOptions {
  readonly max_in_flight: number;
  readonly max_queue: number;
  readonly max_queue_wait_ms: number;
}

interface Waiter {
  readonly since: number;
  readonly enter: () => void;
  readonly refuse: (error: RouterError) => void;
}

export class Gate {
  #options: GateOptions;
  readonly #metrics: Metrics;
  /** One queue a tenant, served in turn: one tenant's flood waits behind itself. */
  readonly #queues = new Map<string, Waiter[]>();
  #inFlight = 0;
  #queued = 0;

  constructor(options: GateOptions, metrics: Metrics) {
    this.#options = options;
    this.#metrics = metrics;
  }

  /** Applies to requests that come from now on. */
  useOptions(options: GateOptions): void {
    this.#options = options;
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
    const { max_in_flight, max_queue, max_queue_wait_ms } = this.#options;
    if (this.#inFlight >= max_in_flight) {
      if (this.#queued >= max_queue && !this.#displace(tenant)) throw this.#overloaded();
      const since = performance.now();
      const place = Promise.withResolvers<void>();
      const waiter: Waiter = { since, enter: place.resolve, refuse: place.reject };
      const queue = this.#queues.get(tenant) ?? [];
      queue.push(waiter);
      this.#queues.set(tenant, queue);
      this.#metrics.queued.set(++this.#queued);
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
        this.#metrics.queued.set(--this.#queued);
        this.#metrics.queueWait.observe((performance.now() - since) / 1000);
      }
    } else {
      this.#inFlight++;
    }
    this.#metrics.inFlight.set(this.#inFlight);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave();
    };
  }

  #leave(): void {
    // A place is handed on, not freed, so that nobody slips in between.
    const next = this.#next();
    if (next) next.enter();
    else this.#inFlight--;
    this.#metrics.inFlight.set(this.#inFlight);
  }

  #next(): Waiter | null {
    for (const [tenant, queue] of this.#queues) {
      const waiter = queue.shift();
      this.#queues.delete(tenant);
      // Back to the end of the round, behind the other tenants.
      if (queue.length > 0) this.#queues.set(tenant, queue);
      if (waiter) return waiter;
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
