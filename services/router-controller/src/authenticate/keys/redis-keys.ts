/** Keys in Redis: by hash, for those who call, and by id, for those who administer. */

import { type KeyRights, keyRightsSchema } from '../../config/schema-auth.ts';
import { lru } from '../../lru.ts';
import type { RedisVisit, SharedRedis } from '../../redis/index.ts';
import { type Actor, AUDIT_KEPT, type AuditEntry, changesOf, type KeyAction } from './audit.ts';
import {
  hashKey,
  livingSecrets,
  MAX_OLD_SECRETS,
  newKey,
  newKeyId,
  readKey,
  type StoredKey,
  shownBy,
} from './stored-key.ts';

/** While Redis is away, keys that were good a short time ago stay good. */
const STALE_MS = 600_000;
/** Changes of the same key at the same time: one after the other. */
const TRIES = 5;

/**
 * Writes a key and who did it, both or none, unless somebody else has changed the key meanwhile.
 * KEYS: by hash, by id, audit. ARGV: id; what it was (JSON or ''); its hash now ('' ends the key); JSON; audit entry and how many
 * are kept; how many hashes end; those; then those that stay or begin.
 */
const PUT = `
local held = redis.call('HGET', KEYS[2], ARGV[1])
local found = held and redis.call('HGET', KEYS[1], held) or ''
if found ~= ARGV[2] then return 0 end
local ends = 7 + tonumber(ARGV[7])
for i = 8, ends do redis.call('HDEL', KEYS[1], ARGV[i]) end
for i = ends + 1, #ARGV do redis.call('HSET', KEYS[1], ARGV[i], ARGV[4]) end
if ARGV[3] == '' then redis.call('HDEL', KEYS[2], ARGV[1]) else redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) end
redis.call('LPUSH', KEYS[3], ARGV[5])
redis.call('LTRIM', KEYS[3], 0, ARGV[6] - 1)
return 1
`;

interface Scripts {
  llmKey(keys: 3, byHash: string, byId: string, audit: string, ...rest: (string | number)[]): Promise<number>;
}

/** A key after a change, and what is noted of it. */
export interface Changed {
  readonly stored: StoredKey;
  readonly entry: AuditEntry;
}

/** The key has as many old secrets as one may have. */
export class TooManySecrets extends Error {}

const secretsOf = ({ hash, previous = [] }: StoredKey) => [hash, ...previous.map((old) => old.hash)];

export class RedisKeys {
  readonly #redis: SharedRedis;
  readonly #freshMs: number;
  readonly #known = lru<{ key: StoredKey; readAt: number }>(50_000);
  /** Hashes of no key, by when that was read; apart, so that a flood of wrong keys displaces no right one. */
  readonly #unknown = lru<number>(10_000);

  /** @param freshMs how long {@link find} goes by what it has read. */
  constructor(redis: SharedRedis, freshMs = 0) {
    this.#redis = redis;
    this.#freshMs = freshMs;
    redis.define('llmKey', PUT);
  }

  get #byHash(): string {
    return `${this.#redis.prefix}:keys`;
  }

  get #byId(): string {
    return `${this.#redis.prefix}:key-ids`;
  }

  get #audit(): string {
    return `${this.#redis.prefix}:audit`;
  }

  /** @throws RedisUnavailable when it was not read lately either. */
  async find(hash: string, visit?: RedisVisit): Promise<StoredKey | null> {
    const known = this.#known.get(hash);
    const age = performance.now() - (known?.readAt ?? this.#unknown.get(hash) ?? Number.NEGATIVE_INFINITY);
    if (age < this.#freshMs) return known?.key ?? null;
    try {
      const text = await this.#redis.run('key', (redis) => redis.hget(this.#byHash, hash), visit);
      const readAt = performance.now();
      const key = text === null ? null : shownBy(readKey(text), hash);
      if (key === null) {
        this.#known.delete(hash);
        this.#unknown.set(hash, readAt);
        return null;
      }
      this.#known.set(hash, { key, readAt });
      return key;
    } catch (error) {
      if (known && age < STALE_MS) return known.key;
      throw error;
    }
  }

  /** Oldest first. */
  async list(): Promise<StoredKey[]> {
    const all = await this.#redis.background('keys', (redis) => redis.hvals(this.#byHash));
    // A key stands there once for each of its secrets.
    const byId = new Map(all.map(readKey).map((key) => [key.id, key]));
    return [...byId.values()].toSorted((a, b) => (a.created ?? '').localeCompare(b.created ?? ''));
  }

  async get(id: string): Promise<StoredKey | null> {
    const text = await this.#read(id);
    return text === null ? null : readKey(text);
  }

  /** Newest first. */
  async audit(limit: number, keyId?: string): Promise<AuditEntry[]> {
    const end = keyId === undefined ? limit - 1 : -1;
    const lines = await this.#redis.background('audit', (redis) => redis.lrange(this.#audit, 0, end));
    const entries = lines.map((line) => JSON.parse(line) as AuditEntry);
    return entries.filter((entry) => keyId === undefined || entry.key_id === keyId).slice(0, limit);
  }

  /**
   * @param taken ids that stand elsewhere: usage and limits go by the id, so no two keys may have one.
   * @returns the key itself, too, which is kept nowhere.
   */
  async create(
    rights: KeyRights,
    actor: Actor,
    taken: (id: string) => boolean = () => false,
  ): Promise<Changed & { key: string }> {
    const key = newKey();
    for (let tries = 0; tries < TRIES; tries++) {
      const id = newKeyId();
      if (taken(id)) continue;
      const stored = { ...rights, id, hash: hashKey(key), created: new Date().toISOString() };
      const entry = await this.#put('created', null, '', stored, actor);
      if (entry) return { key, stored, entry };
    }
    throw new Error('no free id was found');
  }

  /**
   * Changes what a key may do; its secrets stay.
   *
   * @param fields of {@link KeyRights}, each in place of the one before; null takes it away.
   * @returns null: no such key.
   */
  change(id: string, fields: Readonly<Record<string, unknown>>, actor: Actor): Promise<Changed | null> {
    return this.#update(id, actor, (before) => {
      const { id: _id, hash, previous, created, updated, ...rights } = before;
      const merged = Object.entries({ ...rights, ...fields }).filter(
        ([, value]) => value !== null && value !== undefined,
      );
      const after = keyRightsSchema.parse(Object.fromEntries(merged));
      const { disabled: was = false } = rights;
      const { disabled: is = false } = after;
      const only = Object.keys(fields).length === 1 && was !== is;
      const action = !only ? 'changed' : is ? 'disabled' : 'enabled';
      return {
        action,
        key: { ...after, id, hash, ...(previous?.length && { previous }), ...(created && { created }) },
      };
    });
  }

  /**
   * A new secret for the same id and rights.
   *
   * @param until the secret before is good until then; null: it, and all from before, end at once.
   * @returns null: no such key.
   * @throws TooManySecrets
   */
  async rotate(id: string, until: Date | null, actor: Actor): Promise<(Changed & { key: string }) | null> {
    const key = newKey();
    const changed = await this.#update(id, actor, (before) => {
      const { previous: _previous, ...rest } = before;
      const living = until === null ? [] : (before.previous ?? []);
      if (living.length >= MAX_OLD_SECRETS)
        throw new TooManySecrets(
          `This key has ${living.length} old secrets that are still good, and may have no more; end their overlap first`,
        );
      const previous = until === null ? [] : [{ hash: before.hash, until: until.toISOString() }, ...living];
      return {
        action: 'rotated',
        key: { ...rest, hash: hashKey(key), ...(previous.length > 0 && { previous }) },
        changes: { old_secret: { after: until === null ? 'ended' : `good until ${until.toISOString()}` } },
      };
    });
    return changed && { ...changed, key };
  }

  /** All secrets from before a rotation end now. @returns null: no such key. */
  endOverlap(id: string, actor: Actor): Promise<Changed | null> {
    return this.#update(id, actor, ({ previous: _previous, ...key }) => ({ action: 'overlap ended', key }));
  }

  /** @returns null: no such key. */
  revoke(id: string, actor: Actor): Promise<Changed | null> {
    return this.#update(id, actor, (key) => ({ action: 'revoked', key, ends: true }));
  }

  async #read(id: string): Promise<string | null> {
    return this.#redis.background('key', async (redis) => {
      const hash = await redis.hget(this.#byId, id);
      return hash === null ? null : redis.hget(this.#byHash, hash);
    });
  }

  async #update(
    id: string,
    actor: Actor,
    next: (before: StoredKey) => {
      action: KeyAction;
      key: StoredKey;
      ends?: boolean;
      changes?: AuditEntry['changes'];
    },
  ): Promise<Changed | null> {
    for (let tries = 0; tries < TRIES; tries++) {
      const text = await this.#read(id);
      if (text === null) return null;
      const before = readKey(text);
      // Old secrets whose time is over go with any change.
      const living = { ...before, previous: livingSecrets(before) };
      const { action, key, ends = false, changes } = next(living);
      const stored = { ...key, updated: new Date().toISOString() };
      const entry = await this.#put(action, before, text, ends ? null : stored, actor, changes);
      if (entry) return { stored, entry };
    }
    throw new Error(`key ${id} is being changed by others all the time`);
  }

  /** @returns null: it was another key than `expected` meanwhile. */
  async #put(
    action: KeyAction,
    before: StoredKey | null,
    expected: string,
    after: StoredKey | null,
    actor: Actor,
    changes: AuditEntry['changes'] = changesOf(before, after),
  ): Promise<AuditEntry | null> {
    const { id, tenant } = (after ?? before)!;
    const entry: AuditEntry = {
      at: new Date().toISOString(),
      ...actor,
      action,
      key_id: id,
      tenant,
      ...(changes && { changes }),
    };
    const kept = after === null ? [] : secretsOf(after);
    const ended = before === null ? [] : secretsOf(before).filter((hash) => !kept.includes(hash));
    const text = after === null ? '' : JSON.stringify(after);
    const written = await this.#redis.background('put', (redis) =>
      (redis as unknown as Scripts).llmKey(
        3,
        this.#byHash,
        this.#byId,
        this.#audit,
        id,
        expected,
        after?.hash ?? '',
        text,
        JSON.stringify(entry),
        AUDIT_KEPT,
        ended.length,
        ...ended,
        ...kept,
      ),
    );
    for (const hash of [...ended, ...kept]) {
      this.#known.delete(hash);
      this.#unknown.delete(hash);
    }
    return written === 1 ? entry : null;
  }
}
