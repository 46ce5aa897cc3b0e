/**
 * Budgets: what a key, tenant or policy may spend in a day, week or month. Checked before a request, which holds what it will
 * spend by its own account while it is under way, and charged after it.
 */

import type { BudgetConfig } from '../config/schema.ts';
import { RouterError } from '../errors.ts';
import { lru } from '../lru.ts';
import type { Metrics } from '../observe/index.ts';
import type { RedisVisit } from '../redis/index.ts';
import type { Caller } from '../request.ts';
import type { Counters } from './counters.ts';
import { type Claim, type Hold, Holds } from './holds.ts';
import { periodAt, type Span } from './period.ts';
import { NANO, type UsageEvent } from './usage.ts';

/** Budgets whose level is remembered. */
const MOST_TOLD = 10_000;
/** A month's count outlives the month by a little, for those who look back. */
const TTL_S = { day: 3 * 86_400, week: 14 * 86_400, month: 40 * 86_400 };

export interface BudgetHolder {
  readonly key: string;
  readonly tenant: string;
  /** Absent before the body is read: budgets of policies are not looked at then. */
  readonly policy?: string;
  readonly own?: BudgetConfig | undefined;
}

/** A budget as `GET /v1/usage` and the warning header tell it. */
export interface BudgetState {
  readonly name: string;
  readonly scope: string;
  readonly holder: string;
  readonly period: string;
  readonly unit: 'usd' | 'tokens';
  readonly used: number;
  readonly limit: number;
  readonly resets_at: string;
}

/** How far a budget is: past its `warn_at`, or spent. */
export type BudgetLevel = 'near' | 'spent';

/** Who is told when a budget comes so far: once a period by this process, as far as it remembers. */
export interface BudgetListener {
  /** False: nobody would hear it. */
  readonly wanted: () => boolean;
  readonly reached: (state: BudgetState, level: BudgetLevel, warnAt: number) => void;
}

export const holderOf = (caller: Caller, policy?: string): BudgetHolder => ({
  key: caller.id,
  tenant: caller.tenant,
  ...(policy !== undefined && { policy }),
  own: caller.budget,
});

/** What a request will spend at most, as far as it is known. */
export interface Spending {
  readonly tokens: number;
  /** At the dearest target that may answer; 0: none has a price. */
  readonly usd: number;
}

interface Applied {
  readonly budget: BudgetConfig;
  readonly holder: string;
  readonly hash: string;
  readonly period: Span;
}

export class Budgets {
  readonly #counters: Counters;
  readonly #metrics: Metrics;
  readonly #holds: Holds;
  readonly #now: () => Date;
  #budgets: readonly BudgetConfig[];
  /** Highest share seen of each budget in its period, for the gauge. */
  readonly #highest = new Map<string, { period: string; share: number }>();
  #listener: BudgetListener | null = null;
  /** What the listener was told, by budget, holder, period and limit. */
  readonly #told = lru<BudgetLevel>(MOST_TOLD);

  constructor(
    budgets: readonly BudgetConfig[],
    counters: Counters,
    metrics: Metrics,
    holds: Holds = new Holds(null, counters),
    now: () => Date = () => new Date(),
  ) {
    this.#budgets = budgets;
    this.#counters = counters;
    this.#metrics = metrics;
    this.#holds = holds;
    this.#now = now;
  }

  useBudgets(budgets: readonly BudgetConfig[]): void {
    this.#budgets = budgets;
    this.#highest.clear();
    this.#metrics.budgetUsed.reset();
  }

  hearBy(listener: BudgetListener): void {
    this.#listener = listener;
  }

  #reached(hash: string, { warn_at }: BudgetConfig, state: BudgetState): void {
    const share = state.used / state.limit;
    if (share < Math.min(1, warn_at) || !this.#listener?.wanted()) return;
    const level = share >= 1 ? 'spent' : 'near';
    const key = `${hash} ${state.limit}`;
    const told = this.#told.get(key);
    if (told === level || told === 'spent') return;
    this.#told.set(key, level);
    this.#listener.reached(state, level, warn_at);
  }

  /** The last request of a day may be the one that spends its budget: nobody would look again. */
  async #look(applying: readonly Applied[]): Promise<void> {
    const states = await this.#states(applying);
    for (const [index, state] of states.entries()) {
      const { hash, budget } = applying[index]!;
      this.#reached(hash, budget, state);
    }
  }

  #applying(who: BudgetHolder): Applied[] {
    const all = who.own ? [...this.#budgets, who.own] : this.#budgets;
    if (all.length === 0) return [];
    const now = this.#now();
    return all.flatMap((budget) => {
      const holder = budget.scope === 'global' ? '*' : who[budget.scope];
      if (holder === undefined) return [];
      if (budget.match !== undefined && budget.match !== holder) return [];
      const period = periodAt(budget, now);
      // Money and tokens are counted apart: a budget that changes its unit begins anew.
      const unit = budget.usd === undefined ? 'tokens' : 'usd';
      return [{ budget, holder, period, hash: `budget:${budget.name}:${unit}:${holder}:${period.id}` }];
    });
  }

  /** Budgets that count this holder, as they stand. */
  states(who: BudgetHolder, visit?: RedisVisit): Promise<BudgetState[]> {
    return this.#states(this.#applying(who), visit);
  }

  #states(applying: readonly Applied[], visit?: RedisVisit): Promise<BudgetState[]> {
    return Promise.all(
      applying.map(async ({ budget, holder, hash, period }) => {
        const spent = await this.#counters.total(hash, 'spent', visit);
        const unit = budget.usd === undefined ? ('tokens' as const) : ('usd' as const);
        return {
          name: budget.name,
          scope: budget.scope,
          holder,
          period: period.id,
          unit,
          used: unit === 'usd' ? spent / NANO : spent,
          limit: (budget.usd ?? budget.tokens)!,
          resets_at: new Date(period.to).toISOString(),
        };
      }),
    );
  }

  /**
   * @param scopes which budgets are looked at.
   * @returns headers that warn of budgets near their end.
   * @throws RouterError insufficient_quota when one is spent.
   */
  async check(
    who: BudgetHolder,
    visit?: RedisVisit,
    scopes: (scope: BudgetConfig['scope']) => boolean = () => true,
  ): Promise<Record<string, string>> {
    const applying = this.#applying(who).filter(({ budget }) => scopes(budget.scope));
    if (applying.length === 0) return {};
    const states = await this.#states(applying, visit);
    const warnings: string[] = [];
    for (const [index, state] of states.entries()) {
      const { budget, hash } = applying[index]!;
      const share = state.used / state.limit;
      this.#show(state, share);
      this.#reached(hash, budget, state);
      if (share >= budget.warn_at)
        warnings.push(`${state.name};used=${Math.floor(share * 100)}%;resets=${state.resets_at}`);
      if (share < 1) continue;
      const decision = budget.shadow ? 'shadow_refused' : 'refused';
      this.#metrics.limits.inc({ limit: budget.name, scope: budget.scope, decision });
      if (!budget.shadow) throw spent(state);
    }
    return warnings.length > 0 ? { 'x-llm-router-budget-warning': warnings.join(', ') } : {};
  }

  /**
   * Holds what a request will spend until it is charged.
   *
   * @param spending asked only where there is a budget.
   * @throws RouterError insufficient_quota where what is left is spent, or held by requests under way
   */
  async hold(who: BudgetHolder, spending: () => Spending, visit?: RedisVisit): Promise<Hold> {
    const applying = this.#applying(who).filter(({ budget }) => !budget.shadow);
    if (applying.length === 0) return NOTHING_HELD;
    const { tokens, usd } = spending();
    const claims: Claim[] = applying.map(({ budget, hash }) => {
      const inTokens = budget.usd === undefined;
      // Something, so that requests whose size nobody knows are not without number.
      const amount = Math.max(1, Math.ceil(inTokens ? tokens : usd * NANO));
      return {
        hash,
        amount: Math.min(amount, MOST),
        limit: inTokens ? budget.tokens! : budget.usd! * NANO,
        ttl: TTL_S[budget.period],
      };
    });
    const result = await this.#holds.take(claims, visit);
    if (!('refused' in result)) return result;
    const at = claims.indexOf(result.refused);
    const { budget } = applying[at]!;
    this.#metrics.limits.inc({ limit: budget.name, scope: budget.scope, decision: 'refused' });
    const [state] = await this.#states([applying[at]!], visit);
    throw result.spent >= result.refused.limit ? spent(state!) : held(state!);
  }

  #show({ name, scope, period }: BudgetState, share: number): void {
    const known = this.#highest.get(name);
    const highest = known?.period === period ? Math.max(known.share, share) : share;
    this.#highest.set(name, { period, share: highest });
    this.#metrics.budgetUsed.set({ budget: name, scope }, highest);
  }

  charge(who: BudgetHolder, { usage, costUsd }: Pick<UsageEvent, 'usage' | 'costUsd'>): void {
    const applying = this.#applying(who);
    for (const { budget, hash } of applying) {
      const amount =
        budget.usd === undefined
          ? usage.promptTokens + usage.completionTokens
          : Math.round((costUsd ?? 0) * NANO);
      this.#counters.add(hash, 'spent', amount, TTL_S[budget.period]);
    }
    if (applying.length > 0 && this.#listener?.wanted()) void this.#look(applying).catch(() => {});
  }
}

const NOTHING_HELD: Hold = { release: () => {} };
/** No request holds more, whatever it says of itself: a thousand such still are a whole number. */
const MOST = 2 ** 43;

/** What is left may come back when requests end that are under way: soon, or not at all. */
function held({ name, scope, holder, period }: BudgetState): RouterError {
  return new RouterError(
    'insufficient_quota',
    `Budget '${name}' of ${whoseIs(scope, holder)} for ${period} is nearly spent: what is left is held by requests under ` +
      'way; try again when they have ended',
    { headers: { 'retry-after': '1' } },
  );
}

const whoseIs = (scope: string, holder: string) =>
  scope === 'global' ? 'all callers together' : `${scope} '${holder}'`;

function spent({ name, scope, holder, period, unit, used, limit, resets_at }: BudgetState): RouterError {
  const whose = whoseIs(scope, holder);
  const amount =
    unit === 'usd' ? `${used.toFixed(2)} of ${limit.toFixed(2)} USD` : `${used} of ${limit} tokens`;
  return new RouterError(
    'insufficient_quota',
    `Budget '${name}' of ${whose} for ${period} is spent: ${amount}. It begins anew at ${resets_at}`,
    // No SDK is to try again of itself before then.
    { headers: { 'x-should-retry': 'false' } },
  );
}
