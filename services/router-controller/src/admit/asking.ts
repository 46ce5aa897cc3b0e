/** Asks limits wherever they are kept: in Redis, and by this replica's share of them while it does not answer. */
import type { LimitConfig } from '../config/schema.ts';
import { RouterError } from '../errors.ts';
import type { Metrics } from '../observe/index.ts';
import type { RedisVisit } from '../redis/index.ts';
import { retryHeaders } from './headers.ts';
import { type Applying, applying, type Holder, NOTHING_HELD, type Verdict } from './limiter.ts';
import type { MemoryLimiter } from './memory-limiter.ts';
import { NotInTime, type RedisLimiter } from './redis-limiter.ts';
import { Shares } from './shares.ts';

const RETRY_REDIS_MS = 1_000;

export interface Question {
  readonly limits: readonly LimitConfig[];
  readonly who: Holder;
  /** To reserve. */
  readonly tokens: number;
  /** Default: 1. */
  readonly requests?: number;
  readonly visit: RedisVisit;
  /** What the same request was granted before. */
  readonly after?: Verdict;
  /** A refusal is not the last word, so it counts nowhere. Default: it is. */
  readonly trial?: boolean;
  /** Whether a limit that allows it is counted now; default: yes. */
  readonly counts?: (limit: LimitConfig) => boolean;
}

/** A question with its sums done. */
interface Asked extends Question {
  readonly requests: number;
  readonly reserve: (limit: LimitConfig) => number;
}

export class Asking {
  readonly #metrics: Metrics;
  readonly #redis: RedisLimiter | null;
  readonly shares: Shares;
  /** Without Redis, or while it is away. */
  memory: MemoryLimiter;

  constructor(metrics: Metrics, redis: RedisLimiter | null, memory: MemoryLimiter, share: number) {
    this.#metrics = metrics;
    this.#redis = redis;
    this.memory = memory;
    this.shares = new Shares(share);
  }

  /**
   * Takes from all limits that apply, or from none.
   *
   * @throws RouterError limiter_unavailable
   */
  async take(question: Question): Promise<Verdict> {
    const { limits, who, tokens, trial = false, counts = () => true } = question;
    const asked = applying(limits, who);
    const replicas = this.#redis?.replicas ?? 1;
    const over = this.shares.over(asked, who.tenant, tokens, replicas);
    if (over) {
      if (!trial) this.#count(over.limit, 'refused');
      return overShare(over, this.memory.take(who, 0, { limits, look: true }));
    }
    const reserve = this.shares.reserving(tokens, replicas);
    const verdict = await this.#ask({ ...question, requests: question.requests ?? 1, reserve });
    if (verdict.refusal && trial) return verdict;
    for (const limit of verdict.shadowed) this.#count(limit, 'shadow_refused');
    if (verdict.refusal) {
      this.#count(verdict.refusal.limit, 'refused');
      return verdict;
    }
    const allowed = asked.filter(({ limit }) => !verdict.shadowed.includes(limit));
    for (const { limit } of allowed) if (counts(limit)) this.#count(limit, 'allowed');
    return tokens === 0 ? verdict : this.#holding(verdict, allowed, who.tenant, reserve);
  }

  /** The verdict, with what it reserves in the tenant's name. */
  #holding(
    verdict: Verdict,
    allowed: readonly Applying[],
    tenant: string,
    reserve: (limit: LimitConfig) => number,
  ): Verdict {
    const release = this.shares.hold(allowed, tenant, reserve);
    let held = true;
    return {
      ...verdict,
      settle: (used) => {
        if (held) release();
        held = false;
        verdict.settle(used);
      },
    };
  }

  #count({ name, scope }: LimitConfig, decision: string): void {
    this.#metrics.limits.inc({ limit: name, scope, decision });
  }

  async #ask(asked: Asked): Promise<Verdict> {
    const { limits, who, tokens, visit } = asked;
    if (!this.#redis) return this.memory.take(who, tokens, asked);
    try {
      return await this.#redis.take(limits, who, tokens, visit, asked);
    } catch (error) {
      if (!(error instanceof NotInTime)) throw error;
      const strict = applying(limits, who).find(
        ({ limit }) => limit.on_redis_failure === 'refuse' && !limit.shadow,
      );
      if (!strict) return this.#without(this.#redis, asked, error);
      this.#undo(this.#redis, asked, error.late);
      throw new RouterError(
        'limiter_unavailable',
        `Limit '${strict.limit.name}' can’t be checked now, and is set to refuse then; try again shortly`,
        { headers: retryHeaders(RETRY_REDIS_MS) },
      );
    }
  }

  /** Gives back what Redis grants to a request that was refused meanwhile. */
  #undo(redis: RedisLimiter, { limits, who, visit, requests }: Asked, late: Promise<Verdict | null>): void {
    void late.then((verdict) => {
      if (!verdict || verdict.refusal) return;
      verdict.settle(0);
      redis.owe(limits, who, -requests, visit.span);
    });
  }

  /** Goes by this replica's share, and tells Redis afterwards. */
  #without(redis: RedisLimiter, asked: Asked, { late, asked: wasAsked }: NotInTime): Verdict {
    const { limits, who, tokens, visit, requests } = asked;
    const { span } = visit;
    const local = this.memory.take(who, tokens, { ...asked, share: 1 / redis.replicas, late: redis.up });
    if (local.refusal) {
      this.#undo(redis, asked, late);
      return local;
    }
    void late.then((verdict) => {
      if (!wasAsked || verdict?.refusal) redis.owe(limits, who, requests, span);
    });
    const taken = late.then((verdict) => (verdict?.refusal ? null : verdict));
    let settled = false;
    return {
      ...local,
      settle: (used) => {
        if (settled) return;
        settled = true;
        local.settle(used);
        void taken.then((verdict) => {
          if (verdict) verdict.settle(used);
          else redis.charge(limits, who, used, span);
        });
      },
      adjust: (more) => {
        local.adjust(more);
        void taken.then((verdict) => {
          if (verdict) verdict.adjust(more);
          else redis.charge(limits, who, more, span);
        });
      },
    };
  }
}

/** Refused, because the tenant's other requests have reserved its share. */
const overShare = ({ limit, holder }: Applying, levels: Verdict): Verdict => ({
  ...levels,
  ...NOTHING_HELD,
  refusal: { limit, holder, kind: 'share', retryAfterMs: null },
});
