/**
 * admit: limits and budgets, in two steps. What the caller alone tells (requests, places, budgets) is settled from the
 * headers, before any work is done; tokens, and what counts a policy, once the body is known. Of a body that is here already both
 * are asked for in one step.
 */

import { pricesOf } from '../config/prices.ts';
import type { LimitConfig } from '../config/schema.ts';
import type { RouterConfig, RoutingTable } from '../config/types.ts';
import { RouterError } from '../errors.ts';
import { type Hold, holderOf, type Ledger, type Spending } from '../ledger/index.ts';
import { lru } from '../lru.ts';
import type { Metrics } from '../observe/index.ts';
import { RedisVisit, type SharedRedis } from '../redis/index.ts';
import type { Caller, CallOutcome, Usage } from '../request.ts';
import { Asking } from './asking.ts';
import { rateLimitHeaders, refused } from './headers.ts';
import { type Holder, tighter, type Verdict } from './limiter.ts';
import { MemoryLimiter } from './memory-limiter.ts';
import { afterBody, beforeBody, requestsOf } from './parts.ts';
import { RedisLimiter, type RedisLimiterOptions } from './redis-limiter.ts';

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

export interface Arriving {
  readonly caller: Caller;
  /** False for what spends nothing: a caller may see what it has used when its budget is spent. Default: true. */
  readonly spends?: boolean;
  readonly visit?: RedisVisit;
  /**
   * True where the body is here already: requests, places and tokens may be asked for in one step, when it is known. Default: false.
   */
  readonly whole?: boolean;
}

export interface Received {
  readonly policy: string;
  /** Asked only where tokens are limited. */
  readonly estimate: () => Estimate;
}

export interface AdmissionRequest extends Arriving, Received {}

/** A target's place; give it back when the attempt has failed. */
export interface TargetGrant {
  readonly release: () => void;
}

/** What a caller was let in with; one of `admit` and `leave` ends it, and `leave` may always be called. */
export interface Entry {
  /**
   * Asks for the request's place and counts it, where that was put off to be asked with the tokens. A request that fails before
   * it is admitted counts as any other.
   *
   * @throws RouterError as {@link Admission.enter}
   */
  readonly count: () => Promise<void>;
  /** x-ratelimit-* and budget warnings for the answer, as far as they are known yet. */
  readonly headers: Readonly<Record<string, string>>;
  /** Redis is yet to be asked, and the caller was not refused of late: it will be admitted as far as anybody can tell. */
  readonly likely: boolean;
  /**
   * Takes from what is left to ask, now that the body is known. The grant holds what the entry held.
   *
   * @throws RouterError as {@link Admission.enter}; the entry is left then
   */
  readonly admit: (received: Received) => Promise<Grant>;
  /**
   * Counts the requests of a list: all but the first, which was counted when it came.
   *
   * @param count of all.
   * @param policies how many of them each policy decides.
   * @throws RouterError rate_limit_exceeded where they are too many; none of them is counted then
   */
  readonly admitList: (count: number, policies: ReadonlyMap<string, number>) => Promise<void>;
  /** Gives places back where nothing was admitted; the request stays counted. */
  readonly leave: () => void;
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
  /** What it was settled with is charged to the budgets: nothing of them is held any more. */
  readonly charged: () => void;
}

const tokensOf = (usage: Usage | null | undefined) =>
  usage ? usage.promptTokens + usage.completionTokens : 0;

export interface AdmissionDeps {
  readonly config: RouterConfig;
  readonly metrics: Metrics;
  readonly redis?: SharedRedis | null;
  /** Without it budgets are not checked. */
  readonly ledger?: Ledger;
  /** Lease times, for tests. */
  readonly leases?: RedisLimiterOptions;
}

/** The limits of a configuration, by when they are asked. */
interface Split {
  readonly all: readonly LimitConfig[];
  readonly before: readonly LimitConfig[];
  readonly after: readonly LimitConfig[];
}

const split = (all: readonly LimitConfig[]): Split => ({
  all,
  before: beforeBody(all),
  after: afterBody(all),
});

/** What was taken before the body was looked into, and how the limits stood then. */
interface Entered {
  readonly verdict: Verdict;
  readonly headers: Readonly<Record<string, string>>;
}

/** Callers that are known to have been refused, and for how long, milliseconds. */
const MOST_REFUSED = 1_000;
const REFUSED_MS = 2_000;

/** The caller without the parts of its own limits that are asked at another time. */
const withOwn = (who: Holder, own: LimitConfig | undefined): Holder => ({ ...who, own });

export class Admission {
  readonly #redis: RedisLimiter | null;
  readonly #ledger: Ledger | null;
  readonly #asking: Asking;
  #limits: Split;
  /** Callers that were refused just now. */
  readonly #refused = lru<true>(MOST_REFUSED, REFUSED_MS);
  #limitsTargets: boolean;
  #assumed: number;
  #table: RoutingTable | undefined;

  constructor({ config, metrics, redis = null, ledger, leases }: AdmissionDeps) {
    const learn: RedisLimiterOptions['learn'] = (limit, seen) => this.#asking.memory.learn(limit, seen);
    this.#redis = redis && new RedisLimiter(redis, { ...leases, learn });
    this.#ledger = ledger ?? null;
    this.#limits = split(config.file.limits);
    const memory = new MemoryLimiter(config.file.limits);
    this.#asking = new Asking(metrics, this.#redis, memory, config.file.admission.tenant_share);
    this.#limitsTargets = limitsTargets(config);
    this.#assumed = config.file.admission.assumed_answer_tokens;
    this.#table = config.table;
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
    this.#table = config.table;
    this.#asking.shares.share = config.file.admission.tenant_share;
    this.#limitsTargets = limitsTargets(config);
    if (JSON.stringify(config.file.limits) === JSON.stringify(this.#limits.all)) return;
    this.#limits = split(config.file.limits);
    this.#asking.memory = new MemoryLimiter(config.file.limits);
  }

  /** Resolves when everything held in Redis is given back. */
  async close(): Promise<void> {
    await this.#redis?.close();
  }

  /**
   * Lets a caller in by its headers alone: takes requests and places of all limits that apply to it, or none.
   *
   * @throws RouterError rate_limit_exceeded (type requests or tokens) with retry-after and x-ratelimit headers, or
   * limiter_unavailable, or insufficient_quota where a budget is spent.
   */
  async enter({ caller, spends = true, visit = new RedisVisit(), whole = false }: Arriving): Promise<Entry> {
    const limits = this.#limits;
    const who: Holder = { key: caller.id, tenant: caller.tenant, own: caller.limits };
    const own = caller.limits ? [caller.limits] : [];
    const stand = (error: unknown) => this.#withLevels(error, who);
    const budgets = spends ? this.#ledger?.budgets : undefined;
    const warnings = (await budgets?.check(holderOf(caller), visit).catch(stand)) ?? {};
    const first = async (): Promise<Entered> => {
      const verdict = await this.#asking
        .take({
          limits: limits.before,
          who: withOwn(who, beforeBody(own)[0]),
          tokens: 0,
          visit,
          // What also counts tokens is counted once they are taken.
          counts: ({ tokens_per_minute }) => tokens_per_minute === undefined,
        })
        .catch(stand);
      const headers = { ...rateLimitHeaders(verdict), ...warnings };
      if (!verdict.refusal) return { verdict, headers };
      this.#refused.set(caller.id, true);
      throw refused(verdict.refusal, headers);
    };
    // Who was refused a moment ago is asked before anything is read of what it sends.
    let entered = whole && !this.#refused.has(caller.id) ? null : await first();
    let inside = true;
    const leave = () => {
      if (inside) entered?.verdict.settle(0);
      inside = false;
    };
    // Not read from `entered` by a getter: V8 makes a slow object of a literal that has one.
    const entry: { -readonly [key in keyof Entry]: Entry[key] } = {
      headers: entered?.headers ?? warnings,
      likely: entered === null && this.#redis !== null,
      count: async () => {
        if (!inside || entered) return;
        entered = await first();
        entry.headers = entered.headers;
      },
      leave,
      admit: async (received) => {
        const request = { ...received, caller, visit };
        try {
          let grant = entered ? null : await this.#admit(limits, request, null, warnings);
          if (!grant) {
            await entry.count();
            grant = await this.#admit(limits, request, entered!.verdict, entered!.headers);
          }
          inside = false;
          return grant!;
        } catch (error) {
          leave();
          throw error;
        }
      },
      admitList: (count, policies) => this.#admitList(limits, who, { count, policies }, visit, entry.headers),
    };
    return entry;
  }

  /**
   * Both steps at once.
   *
   * @throws RouterError as {@link enter}
   */
  async admit({ policy, estimate, ...arriving }: AdmissionRequest): Promise<Grant> {
    const entry = await this.enter(arriving);
    return entry.admit({ policy, estimate });
  }

  /**
   * @param entered what was taken before the body was read; null: nothing, all is asked for at once.
   * @returns null where it was asked for at once and is refused: what is counted of it then, and why it is refused, is told by
   * asking step by step
   */
  async #admit(
    limits: Split,
    { caller, policy, estimate, visit = new RedisVisit() }: AdmissionRequest,
    entered: Verdict | null,
    told: Readonly<Record<string, string>>,
  ): Promise<Grant | null> {
    const who: Holder = { key: caller.id, tenant: caller.tenant, policy, own: caller.limits };
    const isLeft = ({ name }: LimitConfig) => !entered!.shadowed.some((shadowed) => shadowed.name === name);
    const left = entered ? limits.after.filter(isLeft) : limits.all;
    const own = entered ? afterBody(caller.limits ? [caller.limits] : [])[0] : caller.limits;
    const counted = limits.all.some(countsTokens) || own !== undefined;
    let known: Estimate | null = null;
    const size = () => {
      known ??= estimate();
      return known;
    };
    const tokens = counted ? this.#tokens(size()) : 0;
    const stand = (error: unknown) => this.#withLevels(error, who);
    const ofPolicy = (scope: string) => scope === 'policy';
    const warnings =
      (await this.#ledger?.budgets.check(holderOf(caller, policy), visit, ofPolicy).catch(stand)) ?? {};
    const spending = (): Spending => this.#spending(size(), caller, policy);
    const hold =
      (await this.#ledger?.budgets.hold(holderOf(caller, policy), spending, visit).catch(stand)) ??
      NOTHING_HELD;
    const verdict = await this.#asking
      .take({
        limits: left,
        who: withOwn(who, own),
        tokens,
        visit,
        ...(entered ? { after: entered } : { trial: true }),
      })
      .catch((error: unknown) => {
        hold.release(false);
        return stand(error);
      });
    if (verdict.refusal && !entered) {
      hold.release(false);
      return null;
    }
    const levels = entered ? tightest(entered, verdict) : verdict;
    const headers = { ...told, ...rateLimitHeaders(levels), ...warnings };
    if (verdict.refusal) {
      hold.release(false);
      this.#refused.set(caller.id, true);
      throw refused(verdict.refusal, headers);
    }
    let targets: readonly { readonly name: string; readonly verdict: Verdict }[] = [];
    let used = 0;
    /** Those that were charged the request's tokens. */
    let charged: readonly Verdict[] = [];
    return {
      headers,
      admitTarget: async (target) => {
        if (!this.#limitsTargets) return NOTHING_TAKEN;
        const taken = await this.#asking
          .take({ limits: limits.all, who: { ...who, target }, tokens, visit })
          .catch((error) => error as RouterError);
        if (taken instanceof Error) return taken;
        if (taken.refusal) return refused(taken.refusal, headers);
        targets = [...targets, { name: target, verdict: taken }];
        const release = () => {
          taken.settle(0);
          targets = targets.filter((each) => each.verdict !== taken);
        };
        return { release };
      },
      settle: (outcome) => {
        used = tokensOf(outcome?.usage);
        const winner = outcome?.charged?.name;
        charged = [verdict, ...targets.filter(({ name }) => name === winner).map((each) => each.verdict)];
        entered?.settle(0);
        if (!outcome?.usage) hold.release(false);
        for (const each of [verdict, ...targets.map((target) => target.verdict)])
          each.settle(charged.includes(each) ? used : 0);
      },
      recount: (usage) => {
        for (const each of charged) each.adjust(tokensOf(usage) - used);
        used = tokensOf(usage);
      },
      charged: () => hold.release(true),
    };
  }

  /** At the dearest target that may answer. */
  #spending(estimate: Estimate, caller: Caller, policy: string): Spending {
    const tokens = this.#tokens(estimate);
    const answer = tokens - estimate.promptTokens;
    const prices = this.#table ? pricesOf(this.#table, policy, caller.targets) : [];
    const costs = prices.map(({ input, output }) => (estimate.promptTokens * input + answer * output) / 1e6);
    return { tokens, usd: Math.max(0, ...costs) };
  }

  async #admitList(
    limits: Split,
    who: Holder,
    { count, policies }: { count: number; policies: ReadonlyMap<string, number> },
    visit: RedisVisit,
    told: Readonly<Record<string, string>>,
  ): Promise<void> {
    const ofCaller = requestsOf(limits.before);
    const ofPolicy = requestsOf(limits.all.filter(({ scope }) => scope === 'policy'));
    const own = requestsOf(who.own ? [who.own] : [])[0];
    const questions = [
      ...(count > 1 ? [{ limits: ofCaller, who: withOwn(who, own), requests: count - 1 }] : []),
      ...[...policies].map(([policy, requests]) => ({
        limits: ofPolicy,
        who: { ...withOwn(who, undefined), policy },
        requests,
      })),
    ];
    for (const question of questions) {
      const verdict = await this.#asking.take({ ...question, tokens: 0, visit, counts: () => false });
      if (!verdict.refusal) continue;
      throw refused(verdict.refusal, { ...told, ...rateLimitHeaders(verdict) });
    }
  }

  /** A refusal that asked no limit still tells how they stand; with Redis: as this replica last heard. */
  #withLevels(error: unknown, who: Holder): never {
    if (!(error instanceof RouterError)) throw error;
    throw error.withHeaders(rateLimitHeaders(this.#asking.memory.take(who, 0, { look: true })));
  }

  #tokens({ promptTokens, answerTokens, answers = 1 }: Estimate): number {
    return promptTokens + (answerTokens ?? this.#assumed) * answers;
  }
}

const NOTHING_HELD: Hold = { release: () => {} };
const NOTHING_TAKEN: TargetGrant = { release: () => {} };

/** Of what both steps were told. */
function tightest(first: Verdict, second: Verdict): Verdict {
  const requests =
    first.requests && second.requests
      ? tighter(first.requests, second.requests)
      : (second.requests ?? first.requests);
  return { ...second, requests, tokens: second.tokens ?? first.tokens };
}

const countsTokens = ({ tokens_per_minute }: LimitConfig) => tokens_per_minute !== undefined;
const limitsTargets = ({ file }: RouterConfig) => file.limits.some(({ scope }) => scope === 'target');
