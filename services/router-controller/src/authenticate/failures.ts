import type { LRUCache } from 'lru-cache';
import type { ConfigFile } from '../config/schema.ts';
import { RouterError } from '../errors.ts';
import { lru } from '../lru.ts';

const WINDOW_MS = 60_000;

/** Each worker counts what it sees, and all together may let no more pass than one process would. */
export const failuresAllowed = ({ auth, server }: Pick<ConfigFile, 'auth' | 'server'>): number =>
  Math.max(1, Math.floor(auth.failures_per_minute / server.workers));

/** Counts failed attempts per address, so that one who fails often is told to wait. Memory is bounded. */
export class FailureLimiter {
  readonly #perMinute: number;
  /** `since` by the clock that nobody sets. */
  readonly #seen: LRUCache<string, { count: number; since: number }>;

  /** @param before whose counts go on. */
  constructor(perMinute: number, before: FailureLimiter | null = null) {
    this.#perMinute = perMinute;
    this.#seen = before === null ? lru(10_000, WINDOW_MS) : before.#seen;
  }

  note(address: string): void {
    const entry = this.#seen.get(address);
    if (entry) entry.count++;
    else this.#seen.set(address, { count: 1, since: performance.now() });
  }

  /** What an address is told that has failed too often; null: it has not. */
  refusal(address: string): RouterError | null {
    const entry = this.#seen.get(address);
    if (!entry || entry.count < this.#perMinute) return null;
    const waitMs = Math.max(1, entry.since + WINDOW_MS - performance.now());
    return new RouterError(
      'rate_limit_exceeded',
      'Too many failed attempts from this address; try again later',
      {
        headers: {
          'retry-after': String(Math.ceil(waitMs / 1000)),
          'retry-after-ms': String(Math.ceil(waitMs)),
        },
      },
    );
  }
}
