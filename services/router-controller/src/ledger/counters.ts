/**
 * Counters that outlive a request: in Redis where there is one, else in memory. Additions are gathered and written a few
 * times a second, so that no request waits for its own bill; what could not be written waits for Redis to come back.
 */
import { randomUUID } from 'node:crypto';
import { lru } from '../lru.ts';
import type { Metrics } from '../observe/index.ts';
import { type RedisClient, RedisUnavailable, type RedisVisit, type SharedRedis } from '../redis/index.ts';

const FLUSH_MS = 250;
/** Hashes held, in memory mode or waiting for Redis. */
const MAX_HASHES = 100_000;
/** Hashes written by one call. */
const BATCH = 500;
/** A total that somebody asked for so recently is kept fresh. */
const FRESH_MS = 60_000;

/**
 * KEYS: a guard, then hashes. ARGV: for each hash its time to live in s, the number of its fields, then field and amount
 * each. The guard makes a call that is repeated, because its answer came too late, count once. Each addition stands by
 * itself: one that Redis can't do costs no other. Answer: how many it could not do.
 */
const ADD = `
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', 600) then return 0 end
local at, failed = 1, 0
for i = 2, #KEYS do
  local ttl, fields = ARGV[at], tonumber(ARGV[at + 1])
  at = at + 2
  for _ = 1, fields do
    local done = redis.pcall('HINCRBY', KEYS[i], ARGV[at], ARGV[at + 1])
    if type(done) == 'table' and done.err then failed = failed + 1 end
    at = at + 2
  end
  redis.pcall('EXPIRE', KEYS[i], ttl)
end
return failed
`;

interface Scripts {
  llmAdd(keys: number, ...rest: (string | number)[]): Promise<number>;
}

interface Pending {
  readonly ttl: number;
  readonly fields: Map<string, number>;
}

interface Batch {
  readonly guard: string;
  readonly entries: readonly [string, Pending][];
}

interface Total {
  readonly hash: string;
  readonly field: string;
  /** As Redis last told, with what was written since. */
  shared: number;
  askedAt: number;
}

export interface CountersOptions {
  readonly flushMs?: number;
  /** Hashes that may wait for Redis. */
  readonly maxWaiting?: number;
  readonly now?: () => number;
}

/** Sums stay whole numbers, however many are added. */
const sum = (before: number | undefined, amount: number) =>
  Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, (before ?? 0) + amount));

const nameOf = (hash: string, field: string) => `${hash}\u0000${field}`;

export class Counters {
  readonly #redis: SharedRedis | null;
  readonly #metrics: Metrics;
  readonly #now: () => number;
  readonly #maxWaiting: number;
  readonly #timer: NodeJS.Timeout | null;
  readonly #replica = randomUUID();
  /** Memory mode: everything. */
  readonly #own = lru<Map<string, number>>(MAX_HASHES);
  /** Redis mode: what is not written yet; a batch under way stays until it is known to be. */
  #pending = new Map<string, Pending>();
  #batch: Batch | null = null;
  readonly #totals = lru<Total>(MAX_HASHES);
  #flushing: Promise<void> | null = null;
  /** What waits until all that was added before it is written. */
  #afterFlush: (() => void)[] = [];
  #sequence = 0;

  constructor(redis: SharedRedis | null, metrics: Metrics, options: CountersOptions = {}) {
    this.#redis = redis;
    this.#metrics = metrics;
    this.#now = options.now ?? Date.now;
    this.#maxWaiting = options.maxWaiting ?? MAX_HASHES;
    // Born with its first event, that event would be hidden from rate().
    metrics.ledgerLost.inc(0);
    redis?.define('llmAdd', ADD);
    this.#timer = redis ? setInterval(() => void this.flush(), options.flushMs ?? FLUSH_MS) : null;
    this.#timer?.unref();
  }

  /** Where counts live: `memory` is lost with the process. */
  get store(): 'redis' | 'memory' {
    return this.#redis ? 'redis' : 'memory';
  }

  /**
   * @param amount a whole number; anything else is counted as lost, before it gets near the others.
   * @param ttl seconds to keep the hash after its last change.
   */
  add(hash: string, field: string, amount: number, ttl: number): void {
    if (amount === 0) return;
    if (!Number.isSafeInteger(amount)) {
      this.#metrics.ledgerLost.inc();
      return;
    }
    if (!this.#redis) {
      const fields = this.#own.get(hash) ?? new Map<string, number>();
      fields.set(field, sum(fields.get(field), amount));
      this.#own.set(hash, fields, { ttl: ttl * 1000 });
      return;
    }
    let pending = this.#pending.get(hash);
    if (!pending) {
      if (this.#pending.size >= this.#maxWaiting) {
        this.#metrics.ledgerLost.inc();
        return;
      }
      pending = { ttl, fields: new Map() };
      this.#pending.set(hash, pending);
    }
    pending.fields.set(field, sum(pending.fields.get(field), amount));
  }

  /** Runs once all that was added until now is written: at once in memory, soon in Redis. */
  afterFlush(run: () => void): void {
    if (this.#redis) this.#afterFlush.push(run);
    else run();
  }

  #unwritten(hash: string, field: string): number {
    let sum = this.#pending.get(hash)?.fields.get(field) ?? 0;
    for (const [name, { fields }] of this.#batch?.entries ?? [])
      if (name === hash) sum += fields.get(field) ?? 0;
    return sum;
  }

  /**
   * One count over all replicas: this one's at once, the others' within a second. Waits for Redis only when asked for the
   * first time; while Redis is away, the last known one with this replica's own.
   */
  async total(hash: string, field: string, visit?: RedisVisit): Promise<number> {
    if (!this.#redis) return this.#own.get(hash)?.get(field) ?? 0;
    const name = nameOf(hash, field);
    let total = this.#totals.get(name);
    if (!total) {
      total = { hash, field, shared: 0, askedAt: 0 };
      try {
        total.shared = Number(
          (await this.#redis.run('total', (redis) => redis.hget(this.#key(hash), field), visit)) ?? 0,
        );
        this.#totals.set(name, total);
      } catch (error) {
        if (!(error instanceof RedisUnavailable)) throw error;
      }
    }
    total.askedAt = this.#now();
    return total.shared + this.#unwritten(hash, field);
  }

  /** All counts of some hashes. @throws RedisUnavailable */
  async all(hashes: readonly string[]): Promise<Readonly<Record<string, number>>[]> {
    if (!this.#redis) return hashes.map((hash) => Object.fromEntries(this.#own.get(hash) ?? []));
    await this.flush();
    return this.#redis.background('read', (redis) =>
      Promise.all(
        hashes.map(async (hash) => {
          const found = await redis.hgetall(this.#key(hash));
          return Object.fromEntries(Object.entries(found).map(([field, value]) => [field, Number(value)]));
        }),
      ),
    );
  }

  #key(hash: string): string {
    return `${this.#redis!.prefix}:${hash}`;
  }

  /** Writes what is gathered, and looks at totals that are asked for. Never rejects. */
  async flush(): Promise<void> {
    await this.write();
    try {
      if (this.#redis?.up) await this.#refresh();
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
    }
  }

  /** Writes what is gathered. Never rejects. */
  write(): Promise<void> {
    this.#flushing ??= this.#write().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  async #write(): Promise<void> {
    if (!this.#redis?.up) return;
    try {
      while (this.#batch || this.#pending.size > 0) {
        const batch = this.#batch ?? this.#nextBatch();
        this.#batch = batch;
        const { guard, entries } = batch;
        const failed = await this.#redis.background('add', (redis) =>
          write(redis, this.#key(guard), entries, (hash) => this.#key(hash)),
        );
        if (failed > 0) this.#metrics.ledgerLost.inc(failed);
        for (const [hash, { fields }] of entries) {
          for (const [field, amount] of fields) {
            const total = this.#totals.get(nameOf(hash, field));
            if (total) total.shared += amount;
          }
        }
        this.#batch = null;
      }
      const written = this.#afterFlush;
      this.#afterFlush = [];
      for (const run of written) run();
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
    }
  }

  #nextBatch(): Batch {
    const entries = [...this.#pending].slice(0, BATCH);
    for (const [hash] of entries) this.#pending.delete(hash);
    return { guard: `written:${this.#replica}:${++this.#sequence}`, entries };
  }

  async #refresh(): Promise<void> {
    const since = this.#now() - FRESH_MS;
    const asked = [...this.#totals.values()].filter(({ askedAt }) => askedAt > since);
    for (let at = 0; at < asked.length; at += BATCH) {
      const batch = asked.slice(at, at + BATCH);
      const values = await this.#redis!.background('refresh', (redis) =>
        Promise.all(batch.map(({ hash, field }) => redis.hget(this.#key(hash), field))),
      );
      for (const [index, total] of batch.entries()) total.shared = Number(values[index] ?? 0);
    }
    // What nobody asks for is read anew when somebody does.
    for (const [name, { askedAt }] of this.#totals.entries()) if (askedAt <= since) this.#totals.delete(name);
  }

  /** Resolves when everything is written, or Redis is away. */
  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.flush();
    await this.flush();
  }
}

function write(
  redis: RedisClient,
  guard: string,
  entries: readonly [string, Pending][],
  key: (hash: string) => string,
): Promise<number> {
  return (redis as unknown as Scripts).llmAdd(
    entries.length + 1,
    guard,
    ...entries.map(([hash]) => key(hash)),
    ...entries.flatMap(([, { ttl, fields }]) => [ttl, fields.size, ...[...fields].flat()]),
  );
}
