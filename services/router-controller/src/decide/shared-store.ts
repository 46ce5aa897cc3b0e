/** A small key-value store that replicas may share: pinned conversations and cached decisions. */
import type { LRUCache } from 'lru-cache';
import { lru } from '../lru.ts';
import { RedisUnavailable, type RedisVisit, type Script, type SharedRedis } from '../redis/index.ts';

export interface SharedStore {
  /** Null when unknown, or when the store did not answer in its time limit: a lost entry costs a decision, no request. */
  get(key: string, visit?: RedisVisit): Promise<string | null>;
  set(key: string, value: string, ttlMs: number, visit?: RedisVisit): Promise<void>;
}

/** The store of a single process. */
export class MemoryStore implements SharedStore {
  readonly #entries: LRUCache<string, string>;

  constructor(max: number) {
    this.#entries = lru(max);
  }

  async get(key: string): Promise<string | null> {
    return this.#entries.get(key) ?? null;
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#entries.set(key, value, { ttl: ttlMs });
  }
}

const SET = "return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])";

/** The store of all replicas. While Redis is away each replica goes by what it has seen itself. */
export class RedisStore implements SharedStore {
  readonly #redis: SharedRedis;
  readonly #set: Script<unknown>;
  readonly #own: MemoryStore;

  /** @param max entries kept in memory for a Redis that is away. */
  constructor(redis: SharedRedis, max: number) {
    this.#redis = redis;
    this.#set = redis.script(SET);
    this.#own = new MemoryStore(max);
  }

  async get(key: string, visit?: RedisVisit): Promise<string | null> {
    try {
      return await this.#redis.run('get', (redis) => redis.get(`${this.#redis.prefix}:${key}`), visit);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      return this.#own.get(key);
    }
  }

  /** Resolves without waiting for Redis. */
  async set(key: string, value: string, ttlMs: number, visit?: RedisVisit): Promise<void> {
    await this.#own.set(key, value, ttlMs);
    this.#redis
      .background(
        'set',
        (redis) => this.#set(redis, [`${this.#redis.prefix}:${key}`], [value, Math.max(1, ttlMs)]),
        visit?.span,
      )
      .catch(() => {});
  }
}
