/** Keys: made here, kept as hashes only, in the configuration or in Redis. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { AuthConfig } from '../config/schema.ts';
import { type KeyRights, keyRightsSchema } from '../config/schema-auth.ts';
import type { RedisVisit, SharedRedis } from '../redis/index.ts';

/** A key as it is kept. */
export interface StoredKey extends KeyRights {
  /** Public; may be logged. */
  readonly id: string;
  /** `sha256:<hex>` */
  readonly hash: string;
  readonly created?: string;
}

/** `sha256:<hex>` of a key, as the configuration holds it. Keys are 256 random bits, so a plain hash is enough. */
export function hashKey(key: string): string {
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

/** A new key: 256 random bits behind a prefix that secret scanners can look for. */
export const newKey = (): string => `sk-llmr-${randomBytes(32).toString('base64url')}`;
export const newKeyId = (): string => `key_${randomBytes(6).toString('hex')}`;

/** Keys of the configuration. */
export class ConfiguredKeys {
  readonly #keys: readonly { readonly key: StoredKey; readonly hash: Buffer }[];

  constructor(keys: AuthConfig['keys']) {
    this.#keys = keys.map((key) => ({ key, hash: Buffer.from(key.hash) }));
  }

  has(id: string): boolean {
    return this.#keys.some(({ key }) => key.id === id);
  }

  /** Every hash is compared, whatever matches first, so that time tells nothing. */
  find(hash: string): StoredKey | null {
    const given = Buffer.from(hash);
    let found: StoredKey | null = null;
    for (const { key, hash: known } of this.#keys) if (timingSafeEqual(given, known)) found = key;
    return found;
  }
}

/** How long a replica goes by what it has read: a revoked key is refused everywhere after so long. */
const FRESH_MS = 5_000;
/** While Redis is away, keys that were good a short time ago stay good. */
const STALE_MS = 600_000;

/** Keys in Redis: by hash, for those who call, and by id, for those who administer. */
export class RedisKeys {
  readonly #redis: SharedRedis;
  readonly #known = new LRUCache<string, { key: StoredKey; readAt: number }>({ max: 50_000 });
  /** Hashes of no key, by when that was read; apart, so that a flood of wrong keys displaces no right one. */
  readonly #unknown = new LRUCache<string, number>({ max: 10_000 });

  constructor(redis: SharedRedis) {
    this.#redis = redis;
  }

  get #byHash(): string {
    return `${this.#redis.prefix}:keys`;
  }

  get #byId(): string {
    return `${this.#redis.prefix}:key-ids`;
  }

  /** @throws RedisUnavailable when it was not read lately either. */
  async find(hash: string, visit?: RedisVisit): Promise<StoredKey | null> {
    const known = this.#known.get(hash);
    const age = performance.now() - (known?.readAt ?? this.#unknown.get(hash) ?? Number.NEGATIVE_INFINITY);
    if (age < FRESH_MS) return known?.key ?? null;
    try {
      const text = await this.#redis.run('key', (redis) => redis.hget(this.#byHash, hash), visit);
      const readAt = performance.now();
      if (text === null) {
        this.#known.delete(hash);
        this.#unknown.set(hash, readAt);
        return null;
      }
      const key = parse(text);
      this.#known.set(hash, { key, readAt });
      return key;
    } catch (error) {
      if (known && age < STALE_MS) return known.key;
      throw error;
    }
  }

  async list(): Promise<StoredKey[]> {
    const all = await this.#redis.background('keys', (redis) => redis.hvals(this.#byHash));
    return all.map(parse).toSorted((a, b) => (a.created ?? '').localeCompare(b.created ?? ''));
  }

  async get(id: string): Promise<StoredKey | null> {
    const text = await this.#redis.background('key', async (redis) => {
      const hash = await redis.hget(this.#byId, id);
      return hash === null ? null : redis.hget(this.#byHash, hash);
    });
    return text === null ? null : parse(text);
  }

  /** @returns the key itself, which is kept nowhere. */
  async create(rights: KeyRights): Promise<{ key: string; stored: StoredKey }> {
    const key = newKey();
    const stored = { ...rights, id: newKeyId(), hash: hashKey(key), created: new Date().toISOString() };
    await this.#put(stored, null);
    return { key, stored };
  }

  /** A new key with the same id and rights; the old one is refused from now on. @returns null: no such key. */
  async rotate(id: string): Promise<{ key: string; stored: StoredKey } | null> {
    const old = await this.get(id);
    if (!old) return null;
    const key = newKey();
    const stored = { ...old, hash: hashKey(key) };
    await this.#put(stored, old.hash);
    return { key, stored };
  }

  /** @returns false: no such key. */
  async revoke(id: string): Promise<boolean> {
    const old = await this.get(id);
    if (!old) return false;
    await this.#redis.background('write', (redis) =>
      redis.multi().hdel(this.#byHash, old.hash).hdel(this.#byId, id).exec(),
    );
    this.#known.delete(old.hash);
    return true;
  }

  async #put(stored: StoredKey, oldHash: string | null): Promise<void> {
    await this.#redis.background('write', (redis) => {
      const all = redis
        .multi()
        .hset(this.#byHash, stored.hash, JSON.stringify(stored))
        .hset(this.#byId, stored.id, stored.hash);
      return (oldHash === null ? all : all.hdel(this.#byHash, oldHash)).exec();
    });
    if (oldHash !== null) this.#known.delete(oldHash);
  }
}

/** Checked anew: what another version wrote must not be taken for more than it says. */
function parse(text: string): StoredKey {
  const { id, hash, created, ...rights } = JSON.parse(text) as StoredKey;
  return { ...keyRightsSchema.parse(rights), id, hash, ...(created !== undefined && { created }) };
}
