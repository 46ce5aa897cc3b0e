/** admit: limits and budgets, before any work is done. */
import type { LimitConfig } from '../config/schema.ts';
import type { RouterConfig } from '../config/types.ts';
import { RouterError } from '../errors.ts';
import { holderOf, type Ledger } from '../ledger/index.ts';
import type { Metrics } from '../observe/index.ts';
import { RedisVisit, type SharedRedis } from '../redis/index.ts';
import type { Caller, CallOutcome, Usage } from '../request.ts';
import { rateLimitHeaders, refused, retryHeaders } from './headers.ts';
import { applying, type Holder, type Verdict } from './limiter.ts';
import { MemoryLimiter } from './memory-limiter.ts';
import { NotInTime, RedisLimiter, type RedisLimiterOptions } from './redis-limiter.ts';

export { Gate, type GateOptions } from './gate.ts';
export { formatReset } from './headers.ts';
export type { Holder } from './limiter.ts';
export { MemoryLimiter } from './memory-limiter.ts';
export { RedisLimiter } from './redis-limiter.ts';

/** What is known of a request's size before it is answered. */
export interface Estimate {
  readonly promptTokens: number;
  /** Null: the request sets no bound. */
  readonly answerTokens: number | null;
  /** How many answers; default: 1. */
  readonly answers?: number;
}

export interface AdmissionRequest {
  readonly caller: Caller;
  readonly policy: string;
  /** Asked only where tokens are limited. */
  readonly estimate: () => Estimate;
  readonly visit?: RedisVisit;
}

/** A target's place; give it back when the attempt has failed. */
export interface TargetGrant {
  readonly release: () => void;
}

/** What admission gave; settle it once the request has ended, however it ended. */
export interface Grant {
  /** x-ratelimit-* and budget warnings for the answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Takes from the limits of a target that is about to be asked. @returns the refusal where one refuses. */
  readonly admitTarget: (target: string) => Promise<TargetGrant | RouterError>;
  /** Gives places back and sets the tokens right: no outcome, or none with usage, means that none were used. */
  readonly settle: (outcome: CallOutcome | undefined) => void;
  /** Sets the tokens right once more, when those it was settled with were an estimate. */
  readonly recount: (usage: Usage) => void;
}

const tokensOf = (usage: Usage | null | undefined) =>
  usage ? usage.promptTokens + usage.completionTokens : 0;

const RETRY_REDIS_MS = 1_000;

export interface AdmissionDeps {
  readonly config: RouterConfig;
  readonly metrics: Metrics;
  readonly redis?: SharedRedis | null;
  /** Without it budgets are not checked. */
  readonly ledger?: Ledger;
  /** Lease times, for tests. */
  readonly leases?: RedisLimiterOptions;
}

export class Admission {
  readonly #metrics: Metrics;
  readonly #redis: RedisLimiter | null;
  readonly #ledger: Ledger | null;
  #limits: readonly LimitConfig[];
  /** Without Redis, or while it is away. */
  #memory: MemoryLimiter;
  #limitsTargets: boolean;
  #limitsTokens: boolean;
  #assumed: number;

  constructor({ config, metrics, redis = null, ledger, leases }: AdmissionDeps) {
    this.#metrics = metrics;
    const learn: RedisLimiterOptions['learn'] = (limit, seen) => this.#memory.learn(limit, seen);
    this.#redis = redis && new RedisLimiter(redis, { ...leases, learn });
    this.#ledger = ledger ?? null;
    this.#limits = config.file.limits;
    this.#memory = new MemoryLimiter(config.file.limits);
    this.#limitsTargets = limitsTargets(config);
    this.#limitsTokens = limitsTokens(config);
    this.#assumed = config.file.admission.assumed_answer_tokens;
  }

  /** Requests that hold places or tokens in Redis. */
  get open(): number {
    return this.#redis?.open ?? 0;
  }

  get replicas(): number {
    return this.#redis?.replicas ?? 1;
  }

  /** Counts go on when a new configuration has the same limits. */
  useConfig(config: RouterConfig): void {
    this.#assumed = config.file.admission.assumed_answer_tokens;
    this.#limitsTargets = limitsTargets(config);
    this.#limitsTokens = limitsTokens(config);
    if (JSON.stringify(config.file.limits) === JSON.stringify(this.#limits)) return;
    this.#limits = config.file.limits;
    this.#memory = new MemoryLimiter(config.file.limits);
  }

  /** Resolves when everything held in Redis is given back. */
  async close(): Promise<void> {
    await this.#redis?.close();
  }

  /**
   * Takes from all limits that apply, or from none.
   *
   * @throws RouterError rate_limit_exceeded (type requests or tokens) with retry-after and x-ratelimit headers, or
   * limiter_unavailable, or insufficient_quota where a budget is spent.
   */
  async admit({ caller, policy, estimate, visit = new RedisVisit() }: AdmissionRequest): Promise<Grant> {
    const tokens =
      this.#limitsTokens || caller.limits?.tokens_per_minute !== undefined ? this.#tokens(estimate()) : 0;
    const who: Holder = { key: caller.id, tenant: caller.tenant, policy, own: caller.limits };
    const stand = (error: unknown) => this.#withLevels(error, who);
    const warnings = (await this.#ledger?.budgets.check(holderOf(caller, policy), visit).catch(stand)) ?? {};
    const verdict = await this.#take(who, tokens, visit).catch(stand);
    const headers = { ...rateLimitHeaders(verdict), ...warnings };
    if (verdict.refusal) throw refused(verdict.refusal, headers);
    const targets = new Map<string, Verdict[]>();
    let used = 0;
    /** Those that were charged the request's tokens. */
    let charged: readonly Verdict[] = [];
    return {
      headers,
      admitTarget: async (target) => {
        if (!this.#limitsTargets) return NOTHING_TAKEN;
        const taken = await this.#take({ ...who, target }, tokens, visit).catch(
          (error) => error as RouterError,
        );
        if (taken instanceof Error) return taken;
        if (taken.refusal) return refused(taken.refusal, headers);
        targets.set(target, [...(targets.get(target) ?? []), taken]);
        const release = () => {
          taken.settle(0);
          targets.set(
            target,
            targets.get(target)!.filter((each) => each !== taken),
          );
        };
        return { release };
      },
      settle: (outcome) => {
        used = tokensOf(outcome?.usage);
        const winner = outcome?.charged?.name;
        charged = [verdict, ...(winner === undefined ? [] : (targets.get(winner) ?? []))];
        for (const each of [verdict, ...[...targets.values()].flat()])
          each.settle(charged.includes(each) ? used : 0);
      },
      recount: (usage) => {
        for (const each of charged) each.adjust(tokensOf(usage) - used);
        used = tokensOf(usage);
      },
    };
  }

  /** A refusal that asked no limit still tells how they stand; with Redis: as this replica last heard. */
  #withLevels(error: unknown, who: Holder): never {
    if (!(error instanceof RouterError)) throw error;
    throw error.withHeaders(rateLimitHeaders(this.#memory.take(who, 0, { look: true })));
  }

  #tokens({ promptTokens, answerTokens, answers = 1 }: Estimate): number {
    return promptTokens + (answerTokens ?? this.#assumed) * answers;
  }

  async #take(who: Holder, tokens: number, visit: RedisVisit): Promise<Verdict> {
    const verdict = await this.#ask(who, tokens, visit);
    const count = (limit: LimitConfig, decision: string) =>
      this.#metrics.limits.inc({ limit: limit.name, scope: limit.scope, decision });
    for (const limit of verdict.shadowed) count(limit, 'shadow_refused');
    if (verdict.refusal) count(verdict.refusal.limit, 'refused');
    else
      for (const { limit } of applying(this.#limits, who))
        if (!verdict.shadowed.includes(limit)) count(limit, 'allowed');
    return verdict;
  }

  async #ask(who: Holder, tokens: number, visit: RedisVisit): Promise<Verdict> {
    if (!this.#redis) return this.#memory.take(who, tokens);
    try {
      return await this.#redis.take(this.#limits, who, tokens, visit);
    } catch (error) {
      if (!(error instanceof NotInTime)) throw error;
      const strict = applying(this.#limits, who).find(
        ({ limit }) => limit.on_redis_failure === 'refuse' && !limit.shadow,
      );
      if (!strict) return this.#without(this.#redis, who, tokens, visit, error);
      this.#undo(this.#redis, who, visit, error.late);
      throw new RouterError(
        'limiter_unavailable',
        `Limit '${strict.limit.name}' can’t be checked now, and is set to refuse then; try again shortly`,
        { headers: retryHeaders(RETRY_REDIS_MS) },
      );
    }
  }

  /** Gives back what Redis grants to a request that was refused meanwhile. */
  #undo(redis: RedisLimiter, who: Holder, { span }: RedisVisit, late: Promise<Verdict | null>): void {
    const limits = this.#limits;
    void late.then((verdict) => {
      if (!verdict || verdict.refusal) return;
      verdict.settle(0);
      redis.owe(limits, who, -1, span);
    });
  }

  /** Goes by this replica's share, and tells Redis afterwards. */
  #without(
    redis: RedisLimiter,
    who: Holder,
    tokens: number,
    visit: RedisVisit,
    { late, asked }: NotInTime,
  ): Verdict {
    const { span } = visit;
    const limits = this.#limits;
    const local = this.#memory.take(who, tokens, { share: 1 / redis.replicas, late: redis.up });
    if (local.refusal) {
      this.#undo(redis, who, visit, late);
      return local;
    }
    void late.then((verdict) => {
      if (!asked || verdict?.refusal) redis.owe(limits, who, 1, span);
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

const NOTHING_TAKEN: TargetGrant = { release: () => {} };

const limitsTargets = ({ file }: RouterConfig) => file.limits.some(({ scope }) => scope === 'target');
const limitsTokens = ({ file }: RouterConfig) =>
  file.limits.some((limit) => limit.tokens_per_minute !== undefined);
