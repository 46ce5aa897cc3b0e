/**
 * What requests under way will spend of budgets, as far as they tell: held from their admission until they are charged, so
 * that a burst can't spend a budget several times over. In Redis a hold is a lease: what a controller held that died comes
 * back. While Redis is away each replica goes by its own holds.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { InFlight } from '../in-flight.ts';
import {
  type RedisClient,
  RedisUnavailable,
  type RedisVisit,
  type Script,
  type SharedRedis,
} from '../redis/index.ts';
import type { Counters } from './counters.ts';

const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
/** Holds renewed by one call. */
const RENEW_BATCH = 200;
/** A request that finds the rest of a budget held looks once more after so long. */
const ENDING_MS = 100;

/** A part of a budget that a request claims; amounts are whole. */
export interface Claim {
  /** Of the counters; its field `spent` is what is charged, `held` what is claimed. */
  readonly hash: string;
  readonly amount: number;
  readonly limit: number;
  /** Seconds to keep the hash. */
  readonly ttl: number;
}

export interface Hold {
  /** Gives it back: at once where nothing is charged, else once the charge is written. Safe to call again. */
  readonly release: (charged: boolean) => void;
}

/** Nothing was held, because what is left of this budget is held by others, or nothing is left. */
export interface Refused {
  readonly refused: Claim;
  readonly spent: number;
}

/**
 * KEYS: hash and leases of each budget. ARGV: hold id, lease in ms, then limit, amount and seconds to live each. Answer: 0
 * when all is held, else the number of the budget that refuses and what is spent of it.
 */
const HOLD = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function number(value)
  local read = tonumber(value or '0') or 0
  return read == read and read or 0
end
for i = 1, #KEYS / 2 do
  local hash, leases = KEYS[2 * i - 1], KEYS[2 * i]
  local ended = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 100)
  for _, lease in ipairs(ended) do
    redis.call('ZREM', leases, lease)
    redis.pcall('HINCRBY', hash, 'held', '-' .. (string.match(lease, '|(%d+)$') or '0'))
  end
  local known = redis.call('HMGET', hash, 'spent', 'held')
  local spent = number(known[1])
  if spent + number(known[2]) >= tonumber(ARGV[3 * i]) then return {i, string.format('%.0f', spent)} end
end
for i = 1, #KEYS / 2 do
  local hash, leases, amount = KEYS[2 * i - 1], KEYS[2 * i], ARGV[3 * i + 1]
  redis.call('ZADD', leases, now + ARGV[2], ARGV[1] .. '|' .. amount)
  redis.call('PEXPIRE', leases, 2 * ARGV[2])
  redis.pcall('HINCRBY', hash, 'held', amount)
  redis.call('EXPIRE', hash, ARGV[3 * i + 2])
end
return {0, '0'}
`;

/** KEYS: hash and leases of each budget. ARGV: hold id, then amount each. What has ended was given back already. */
const UNHOLD = `
for i = 1, #KEYS / 2 do
  if redis.call('ZREM', KEYS[2 * i], ARGV[1] .. '|' .. ARGV[i + 1]) == 1 then
    redis.pcall('HINCRBY', KEYS[2 * i - 1], 'held', '-' .. ARGV[i + 1])
  end
end
return 1
`;

/** KEYS: leases. ARGV: lease in ms, then member each. What has ended is not held anew. */
const REHOLD = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, #KEYS do
  redis.call('ZADD', KEYS[i], 'XX', now + ARGV[1], ARGV[i + 1])
  redis.call('PEXPIRE', KEYS[i], 2 * ARGV[1])
end
return 1
`;

interface Scripts {
  llmRehold(keys: number, ...rest: (string | number)[]): Promise<number>;
}
const scripts = (redis: RedisClient) => redis as unknown as Scripts;

/** A hold that Redis knows of. */
interface Shared {
  readonly id: string;
  readonly claims: readonly Claim[];
}

export class Holds {
  readonly #redis: SharedRedis | null;
  readonly #hold: Script<[number, string]> | undefined;
  readonly #release: Script<number> | undefined;
  readonly #counters: Counters;
  readonly #leaseMs: number;
  readonly #replica = randomUUID();
  /** Held by this replica, by hash. */
  readonly #own = new Map<string, number>();
  readonly #shared = new InFlight<Shared>();
  readonly #timer: NodeJS.Timeout | null;
  #sequence = 0;

  constructor(redis: SharedRedis | null, counters: Counters, leaseMs = LEASE_MS) {
    this.#redis = redis;
    this.#counters = counters;
    this.#leaseMs = leaseMs;
    this.#hold = redis?.script(HOLD);
    this.#release = redis?.script(UNHOLD);
    redis?.define('llmRehold', REHOLD);
    this.#timer = redis && setInterval(() => void this.#renew(), (RENEW_MS * leaseMs) / LEASE_MS);
    this.#timer?.unref();
  }

  /** What this replica holds of a budget. */
  held(hash: string): number {
    return this.#own.get(hash) ?? 0;
  }

  /** Holds all claims, or none: a budget takes requests until what is spent and held has reached its limit. */
  async take(claims: readonly Claim[], visit?: RedisVisit): Promise<Hold | Refused> {
    const result = await this.#take(claims, visit);
    if (!('refused' in result) || result.spent >= result.refused.limit) return result;
    // Some of what is held is ending just now, here or elsewhere: what is left of it is known once its charge is written.
    await sleep(ENDING_MS);
    await this.#counters.write();
    return this.#take(claims, visit);
  }

  async #take(claims: readonly Claim[], visit?: RedisVisit): Promise<Hold | Refused> {
    const id = `${this.#replica}:${++this.#sequence}`;
    if (!this.#redis) return this.#takeOwn(claims, visit);
    try {
      const [at, spent] = await this.#redis.run(
        'hold',
        (redis) =>
          this.#hold!(redis, this.#keys(claims), [
            id,
            this.#leaseMs,
            ...claims.flatMap(({ limit, amount, ttl }) => [limit, amount, ttl]),
          ]),
        visit,
      );
      if (at > 0) return { refused: claims[at - 1]!, spent: Number(spent) };
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      // If it was held all the same, it ends with its lease.
      return this.#takeOwn(claims, visit);
    }
    const shared = { id, claims };
    return this.#holding(claims, shared);
  }

  async #takeOwn(claims: readonly Claim[], visit?: RedisVisit): Promise<Hold | Refused> {
    const spent = await Promise.all(claims.map(({ hash }) => this.#counters.total(hash, 'spent', visit)));
    const at = claims.findIndex(({ hash, limit }, index) => spent[index]! + this.held(hash) >= limit);
    return at < 0 ? this.#holding(claims, null) : { refused: claims[at]!, spent: spent[at]! };
  }

  #holding(claims: readonly Claim[], shared: Shared | null): Hold {
    for (const { hash, amount } of claims) this.#own.set(hash, this.held(hash) + amount);
    const place = shared && this.#shared.add(shared);
    let open = true;
    const end = () => {
      for (const { hash, amount } of claims) {
        const left = this.held(hash) - amount;
        if (left > 0) this.#own.set(hash, left);
        else this.#own.delete(hash);
      }
      if (!shared) return;
      this.#shared.remove(place!);
      void this.#unhold(shared);
    };
    return {
      release: (charged) => {
        if (!open) return;
        open = false;
        // Until the charge is written, only the hold tells the others of it.
        if (!charged || !shared) return end();
        this.#counters.afterFlush(end);
        void this.#counters.write();
      },
    };
  }

  #keys(claims: readonly Claim[]): string[] {
    return claims.flatMap(({ hash }) => [`${this.#redis!.prefix}:${hash}`, this.#leasesOf(hash)]);
  }

  #leasesOf(hash: string): string {
    return `${this.#redis!.prefix}:held:${hash}`;
  }

  async #unhold({ id, claims }: Shared): Promise<void> {
    await this.#background((redis) =>
      this.#release!(redis, this.#keys(claims), [id, ...claims.map(({ amount }) => amount)]),
    );
  }

  async #renew(): Promise<void> {
    const leases = [...this.#shared].flatMap(({ id, claims }) =>
      claims.map(({ hash, amount }) => ({ key: this.#leasesOf(hash), member: `${id}|${amount}` })),
    );
    for (let at = 0; at < leases.length; at += RENEW_BATCH) {
      const batch = leases.slice(at, at + RENEW_BATCH);
      await this.#background((redis) =>
        scripts(redis).llmRehold(
          batch.length,
          ...batch.map(({ key }) => key),
          this.#leaseMs,
          ...batch.map(({ member }) => member),
        ),
      );
    }
  }

  /** What Redis does not hear of ends with its lease. */
  async #background(fn: (redis: RedisClient) => Promise<number>): Promise<void> {
    try {
      await this.#redis?.background('unhold', fn);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
    }
  }

  /** Gives back what is still held. */
  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await Promise.all([...this.#shared].map((shared) => this.#unhold(shared)));
  }
}
