/** A small key-value store that replicas may share: pinned conversations and cached decisions. */
import { LRUCache } from 'lru-cache';

export interface SharedStore {
  /** Null when unknown, or when the store did not answer in its time limit: a lost entry costs a decision, no request. */
  get(key: string): Promise<string | null>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
}

/** The store of a single process. */
export class MemoryStore implements SharedStore {
  readonly #entries: LRUCache<string, string>;

  constructor(max: number) {
    this.#entries = new LRUCache({ max });
  }

  async get(key: string): Promise<string | null> {
    return this.#entries.get(key) ?? null;
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#entries.set(key, value, { ttl: ttlMs });
  }
}
