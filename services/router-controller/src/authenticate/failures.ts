import { LRUCache } from 'lru-cache';

const WINDOW_MS = 60_000;

/** Counts failed attempts per address, so that keys can't be guessed at speed. Memory is bounded. */
export class FailureLimiter {
  readonly #perMinute: number;
  readonly #seen = new LRUCache<string, { count: number; since: number }>({ max: 10_000, ttl: WINDOW_MS });

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  note(address: string): void {
    const entry = this.#seen.get(address);
    if (entry) entry.count++;
    else this.#seen.set(address, { count: 1, since: Date.now() });
  }

  /** Milliseconds until the address may try again; 0: now. */
  waitMs(address: string): number {
    const entry = this.#seen.get(address);
    if (!entry || entry.count < this.#perMinute) return 0;
    return Math.max(0, entry.since + WINDOW_MS - Date.now());
  }
}
