/** Limits shared by replicas through Redis: one call takes from all that apply, or from none. */
import { randomUUID } from 'node:crypto';
import type { LimitConfig } from '../config/schema.ts';
import { InFlight } from '../in-flight.ts';
import type { Span } from '../observe/index.ts';
import {
  type RedisClient,
  RedisUnavailable,
  RedisVisit,
  type Script,
  type SharedRedis,
} from '../redis/index.ts';
import { Afterwards } from './afterwards.ts';
import { perMinute } from './gcra.ts';
import { both, figuresOf, type Held, heldOf } from './held.ts';
import {
  type Amounts,
  type Applying,
  applying,
  type Holder,
  type Level,
  NOTHING_HELD,
  type Refusal,
  type Seen,
  tighter,
  type Verdict,
} from './limiter.ts';
import { BEAT, PER_ANSWER, RENEW, TAKE } from './lua.ts';

const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
const BEAT_MS = 5_000;
/** A replica that missed two beats is gone. */
const BEAT_LASTS_MS = 12_000;
const TELL_AGAIN_MS = 250;
/** What went on without Redis is charged if it is back so soon. */
const DEBT_MS = 2_000;
/** Leases renewed by one call. */
const RENEW_BATCH = 200;

const NEVER = Promise.resolve(null);

const KINDS = [null, 'concurrent', 'requests', 'tokens'] as const;

interface Scripts {
  llmRenew(keys: number, ...rest: (string | number)[]): Promise<number>;
  llmBeat(keys: number, ...rest: (string | number)[]): Promise<number>;
}
const scripts = (redis: RedisClient) => redis as unknown as Scripts;

export interface RedisLimiterOptions {
  /** A lease lasts so long without renewal, ms. */
  readonly leaseMs?: number;
  readonly renewMs?: number;
  readonly beatMs?: number;
  /** Told what Redis says of each limit that it was asked for. */
  readonly learn?: (limit: Applying, seen: Seen) => void;
}

/** What a granted request holds in Redis, under its lease id. */
interface Lease {
  readonly id: string;
  held: readonly Held[];
  /** Settled, or part of a later grant. */
  ended: boolean;
  /** Among those that are held now; null: it is not. */
  place: number | null;
}

/** A verdict of this limiter: a later call of the same request may build on it. */
interface Granted extends Verdict {
  readonly lease: Lease;
}

/** Of one call: whom it asks, and for how much. */
interface Asked {
  readonly id: string;
  readonly limits: readonly Applying[];
  readonly keys: readonly { state: string; leases: string }[];
  readonly tokens: (limit: LimitConfig) => number;
  readonly span: Span;
}

export interface RedisTakeOptions extends Amounts {
  /** What the same request was granted before: both are one from now on, and settled together. */
  readonly after?: Verdict;
}

/** Redis did not answer in time; what it says later may still be of use. */
export class NotInTime extends RedisUnavailable {
  /** Null: it never answered. Who takes no use of a verdict must settle it. */
  readonly late: Promise<Verdict | null>;
  /** False: it was not even asked. */
  readonly asked: boolean;

  constructor(cause: RedisUnavailable, late: Promise<Verdict | null> | null) {
    super(cause.message, cause);
    this.asked = late !== null;
    this.late = late ?? NEVER;
  }
}

export class RedisLimiter {
  readonly #redis: SharedRedis;
  readonly #take: Script<number[]>;
  readonly #options: Required<RedisLimiterOptions>;
  readonly #replica = randomUUID();
  readonly #timers: NodeJS.Timeout[];
  /** Leases held now. */
  readonly #open = new InFlight<Lease>();
  readonly #afterwards: Afterwards;
  #replicas = 1;
  #sequence = 0;

  constructor(redis: SharedRedis, options: RedisLimiterOptions = {}) {
    this.#redis = redis;
    this.#afterwards = new Afterwards(redis);
    this.#options = { leaseMs: LEASE_MS, renewMs: RENEW_MS, beatMs: BEAT_MS, learn: () => {}, ...options };
    this.#take = redis.script(TAKE);
    redis.define('llmRenew', RENEW);
    redis.define('llmBeat', BEAT);
    this.#timers = [
      setInterval(() => void this.#renew(), this.#options.renewMs),
      setInterval(() => void this.#beat(), this.#options.beatMs),
      setInterval(() => this.#afterwards.tellAgain(), TELL_AGAIN_MS),
    ];
    for (const timer of this.#timers) timer.unref();
    void redis.ready(this.#options.beatMs).then(() => this.#beat());
  }

  /** True unless Redis is known to be away. */
  get up(): boolean {
    return this.#redis.up;
  }

  /** Replicas that share the limits, as last seen. */
  get replicas(): number {
    return this.#replicas;
  }

  /** Requests that hold something now. */
  get open(): number {
    return this.#open.size;
  }

  #keys({ limit, holder }: Applying): { state: string; leases: string } {
    const name = `${limit.name}:${holder}`;
    return { state: `${this.#redis.prefix}:limit:${name}`, leases: `${this.#redis.prefix}:lease:${name}` };
  }

  /**
   * Takes from every limit that applies, or from none.
   *
   * @param tokens estimate of prompt and answer.
   * @throws NotInTime, or another error that is no fault of Redis'.
   */
  async take(
    limits: readonly LimitConfig[],
    who: Holder,
    tokens: number,
    visit = new RedisVisit(),
    { requests = 1, reserve = () => tokens, after }: RedisTakeOptions = {},
  ): Promise<Verdict> {
    const applied = applying(limits, who);
    if (applied.length === 0)
      return { refusal: null, shadowed: [], requests: null, tokens: null, ...NOTHING_HELD };
    const first = (after as Partial<Granted> | undefined)?.lease;
    const asked: Asked = {
      id: first?.id ?? `${this.#replica}:${++this.#sequence}`,
      limits: applied,
      keys: applied.map((each) => this.#keys(each)),
      tokens: reserve,
      span: visit.span,
    };
    const keys: string[] = [];
    for (const { state, leases } of asked.keys) keys.push(state, leases);
    const words: (string | number)[] = [asked.id, this.#options.leaseMs];
    for (const { limit } of applied) words.push(...figuresOf(limit, reserve(limit), requests));
    let late: Promise<number[]> | null = null;
    let reply: number[];
    try {
      reply = await this.#redis.run(
        'take',
        (redis) => {
          late = this.#take(redis, keys, words);
          return late;
        },
        visit,
      );
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      // An answer that nobody waits for any more may still have taken something.
      const answer = late as Promise<number[]> | null;
      throw new NotInTime(
        error,
        answer?.then(
          (said) => this.#verdict(asked, said),
          () => null,
        ) ?? null,
      );
    }
    return this.#verdict(asked, reply, first);
  }

  /** @param first what the request holds from before, which becomes part of what it is granted now. */
  #verdict({ id, limits, keys, tokens, span }: Asked, reply: readonly number[], first?: Lease): Verdict {
    const shadowed: LimitConfig[] = [];
    let refusal: Refusal | null = null;
    let requests: Level | null = null;
    let left: Level | null = null;
    for (const [index, each] of limits.entries()) {
      const { limit, holder } = each;
      const at = 1 + index * PER_ANSWER;
      const code = reply[at]!;
      const waitMs = reply[at + 1]!;
      const remaining = reply[at + 2]!;
      const resetMs = reply[at + 3]!;
      const tokensLeft = reply[at + 4]!;
      const tokensResetMs = reply[at + 5]!;
      const placesLeft = reply[at + 6]!;
      this.#options.learn(each, { requestsFullMs: resetMs, tokensFullMs: tokensResetMs, placesLeft });
      if (limit.requests_per_minute !== undefined)
        requests = tighter(requests, { limit: limit.requests_per_minute, remaining, resetMs });
      if (limit.tokens_per_minute !== undefined)
        left = tighter(left, {
          limit: limit.tokens_per_minute,
          remaining: tokensLeft,
          resetMs: tokensResetMs,
        });
      const kind = KINDS[code];
      if (!kind) continue;
      if (limit.shadow) shadowed.push(limit);
      else refusal ??= { limit, holder, kind, retryAfterMs: kind === 'concurrent' ? null : waitMs };
    }
    if (refusal) return { refusal, shadowed, requests, tokens: left, ...NOTHING_HELD };
    const lease: Lease = { id, held: heldOf(limits, keys, tokens, reply), ended: false, place: null };
    if (first && !first.ended) {
      lease.held = both(first.held, lease.held);
      this.#end(first);
    }
    if (lease.held.length > 0) lease.place = this.#open.add(lease);
    const settle = (used: number) => {
      if (lease.ended) return;
      this.#end(lease);
      this.#release(id, lease.held, used, span);
    };
    const adjust = (more: number) => this.#charge(lease.held, more, span);
    const granted: Granted = { refusal: null, shadowed, requests, tokens: left, settle, adjust, lease };
    return granted;
  }

  #end(lease: Lease): void {
    lease.ended = true;
    if (lease.place !== null) this.#open.remove(lease.place);
    lease.place = null;
  }

  /** Changes the token buckets of what holds nothing (any more). */
  #charge(held: readonly Held[], tokens: number, span: Span, lastsMs?: number): void {
    if (tokens === 0) return;
    const buckets = held.filter(({ interval }) => interval > 0).map((each) => ({ ...each, reserved: 0 }));
    this.#release(`${this.#replica}:${++this.#sequence}`, buckets, tokens, span, lastsMs);
  }

  /**
   * Charges the tokens of a request that was granted without Redis. What was granted while Redis was away for longer is not
   * charged: its return would begin with a debt that nobody can pay.
   */
  charge(limits: readonly LimitConfig[], who: Holder, used: number, span: Span): void {
    const held = applying(limits, who).flatMap((each) => {
      const { tokens_per_minute: tpm, burst_tokens, shadow } = each.limit;
      if (tpm === undefined || shadow) return [];
      return [{ ...this.#keys(each), ...perMinute(tpm, burst_tokens), reserved: 0 }];
    });
    this.#charge(held, used, span, DEBT_MS);
  }

  /**
   * Sets right what Redis counts when its answer came too late.
   *
   * @param requests that went on, and that Redis has refused; negative: that were refused, and that Redis has counted.
   */
  owe(limits: readonly LimitConfig[], who: Holder, requests: number, span: Span): void {
    const owed = applying(limits, who).flatMap((each) => {
      const { requests_per_minute: rpm, burst, shadow } = each.limit;
      if (rpm === undefined || shadow) return [];
      const rate = perMinute(rpm, burst);
      return [
        {
          state: this.#keys(each).state,
          interval: requests * rate.interval,
          burst: rate.burst / Math.abs(requests),
        },
      ];
    });
    if (owed.length > 0) this.#afterwards.owe(owed, span, DEBT_MS);
  }

  #release(id: string, held: readonly Held[], used: number, span: Span, lastsMs?: number): void {
    if (held.length > 0) this.#afterwards.end({ id, held, used }, span, lastsMs);
  }

  async #renew(): Promise<void> {
    const leases = [...this.#open].flatMap(({ id, held }) => held.map((each) => ({ id, ...each })));
    for (let at = 0; at < leases.length; at += RENEW_BATCH) {
      const batch = leases.slice(at, at + RENEW_BATCH);
      await this.#background((redis) =>
        scripts(redis).llmRenew(
          batch.length,
          ...batch.map((lease) => lease.leases),
          this.#options.leaseMs,
          ...batch.flatMap(({ id, reserved }) => [id, reserved]),
        ),
      );
    }
  }

  async #beat(): Promise<void> {
    const seen = await this.#background((redis) =>
      scripts(redis).llmBeat(
        1,
        `${this.#redis.prefix}:replicas`,
        this.#replica,
        (BEAT_LASTS_MS * this.#options.beatMs) / BEAT_MS,
      ),
    );
    if (seen !== null) this.#replicas = Math.max(1, seen);
  }

  async #background(fn: (redis: RedisClient) => Promise<number>): Promise<number | null> {
    try {
      return await this.#redis.background('renew', fn);
    } catch (error) {
      if (error instanceof RedisUnavailable) return null;
      throw error;
    }
  }

  /** Resolves when what was held is given back. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#afterwards.close();
    await this.#background((redis) => redis.zrem(`${this.#redis.prefix}:replicas`, this.#replica));
  }
}
