/** What was used: by key and by tenant, a day at a time, split by policy and target. */
import { lru } from '../lru.ts';
import type { Usage } from '../request.ts';
import type { Counters } from './counters.ts';
import { lastDays, periodAt } from './period.ts';

const DAY_S = 86_400;
/** Money is counted in whole billionths of a dollar: a token of a cheap model costs less than a millionth. */
export const NANO = 1e9;

export interface UsageEvent {
  readonly key: string;
  readonly tenant: string;
  readonly policy: string;
  readonly target: string;
  readonly usage: Usage;
  /** Null: the target has no price. */
  readonly costUsd: number | null;
}

export interface UsageSums {
  readonly requests: number;
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly cost_usd: number;
}

export interface UsageReport {
  readonly from: string;
  readonly to: string;
  readonly total: UsageSums;
  readonly by_day: readonly ({ readonly date: string } & UsageSums)[];
  readonly by_policy: Readonly<Record<string, UsageSums>>;
  readonly by_target: Readonly<Record<string, UsageSums>>;
}

const FIELDS = ['requests', 'input_tokens', 'cached_input_tokens', 'output_tokens', 'cost_nano'] as const;
type Sums = Record<(typeof FIELDS)[number], number>;
/** Pairs of policy and target whose names are kept. */
const MOST_ROWS = 1_000;
const zero = (): Sums => ({
  requests: 0,
  input_tokens: 0,
  cached_input_tokens: 0,
  output_tokens: 0,
  cost_nano: 0,
});

const told = ({ cost_nano, ...sums }: Sums): UsageSums => ({ ...sums, cost_usd: cost_nano / NANO });
const toldAll = (all: Map<string, Sums>) =>
  Object.fromEntries([...all].map(([name, sums]) => [name, told(sums)]));

export class UsageBook {
  readonly #counters: Counters;
  /** Names of the counts of a policy at a target: the same again and again. */
  readonly #rows = lru<readonly string[]>(MOST_ROWS);
  /** How long a day is kept. */
  days: number;

  constructor(counters: Counters, days: number) {
    this.#counters = counters;
    this.days = days;
  }

  note({ key, tenant, policy, target, usage, costUsd }: UsageEvent, at = new Date()): void {
    const day = periodAt({ period: 'day' }, at).id;
    const amounts: Sums = {
      requests: 1,
      input_tokens: usage.promptTokens,
      cached_input_tokens: usage.cachedTokens,
      output_tokens: usage.completionTokens,
      cost_nano: Math.round((costUsd ?? 0) * NANO),
    };
    const row = this.#row(policy, target);
    for (const hash of [`usage:key:${key}:${day}`, `usage:tenant:${tenant}:${day}`])
      for (let at = 0; at < FIELDS.length; at++)
        this.#counters.add(hash, row[at]!, amounts[FIELDS[at]!], this.days * DAY_S);
  }

  /** In the order of {@link FIELDS}. */
  #row(policy: string, target: string): readonly string[] {
    const name = `${encodeURIComponent(policy)}|${encodeURIComponent(target)}|`;
    let row = this.#rows.get(name);
    if (!row) {
      row = FIELDS.map((field) => name + field);
      this.#rows.set(name, row);
    }
    return row;
  }

  /**
   * @param days how many, today included.
   * @throws RedisUnavailable
   */
  async report(scope: 'key' | 'tenant', id: string, days: number, at = new Date()): Promise<UsageReport> {
    const dates = lastDays(Math.min(days, this.days), at);
    const found = await this.#counters.all(dates.map((date) => `usage:${scope}:${id}:${date}`));
    const total = zero();
    const byDay = new Map<string, Sums>();
    const byPolicy = new Map<string, Sums>();
    const byTarget = new Map<string, Sums>();
    const sumsOf = (sums: Map<string, Sums>, name: string) => {
      const known = sums.get(name) ?? zero();
      sums.set(name, known);
      return known;
    };
    for (const [index, counts] of found.entries()) {
      for (const [name, amount] of Object.entries(counts)) {
        const [policy, target, field] = name.split('|') as [string, string, keyof Sums];
        for (const sums of [
          total,
          sumsOf(byDay, dates[index]!),
          sumsOf(byPolicy, decodeURIComponent(policy)),
          sumsOf(byTarget, decodeURIComponent(target)),
        ])
          sums[field] += amount;
      }
    }
    return {
      from: dates[0]!,
      to: dates.at(-1)!,
      total: told(total),
      by_day: [...byDay].map(([date, sums]) => ({ date, ...told(sums) })),
      by_policy: toldAll(byPolicy),
      by_target: toldAll(byTarget),
    };
  }
}
