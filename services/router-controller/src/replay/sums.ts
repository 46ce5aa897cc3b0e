/** Pure, so that the playground's page runs it too: adds up what another table does to many logged decisions. */
import { type TokenPrice, type UsedTokens, usdOf } from '../settle/price.ts';
import type { Share } from './shares.ts';

/** What the sums need of a logged decision. */
export interface SummedRecord {
  readonly policy: string;
  readonly entry: string;
  /** Who answered; null: nobody. */
  readonly target: string | null;
  readonly usage: UsedTokens | null;
  readonly cost_usd: number | null;
}

export interface SummedTarget {
  readonly name: string;
  readonly price: TokenPrice | null;
}

/** Where a decision would go. @typeParam U why it would go nowhere */
export interface Outcome<U extends string> {
  readonly entry: { readonly name: string } | null;
  readonly shares: readonly Share<SummedTarget>[];
  readonly unroutable: U | null;
}

/** Of policies of kind value: P of the chosen target and of others, and what the chosen one would have used. */
export interface SummedValue {
  readonly quality: number;
  readonly qualityOf: (target: string) => number | undefined;
  readonly usage: UsedTokens | null;
}

export interface Move {
  readonly policy: string;
  readonly from: string;
  readonly to: string;
  /** Expected requests: weights draw lots, so this may be a fraction. */
  readonly requests: number;
}

export interface ReplaySummary<U extends string = string> {
  readonly requests: number;
  readonly moved_entry: number;
  /** Expected number that another target would answer; requests that nobody answered are not in it. */
  readonly moved_target: number;
  readonly unroutable: Readonly<Partial<Record<U, number>>>;
  /** Requests whose cost is known in both tables; the costs are theirs. */
  readonly priced: number;
  readonly cost_before_usd: number;
  readonly cost_after_usd: number;
  /** Requests to policies of kind value, and the mean P of the targets that answered, or would. */
  readonly valued: number;
  readonly quality_before: number | null;
  readonly quality_after: number | null;
  readonly moves: readonly Move[];
}

export class ReplaySums<U extends string = string> {
  readonly #moves = new Map<string, number>();
  readonly #unroutable: Partial<Record<U, number>> = {};
  #requests = 0;
  #movedEntry = 0;
  #movedTarget = 0;
  #priced = 0;
  #before = 0;
  #after = 0;
  #valued = 0;
  #qualityBefore = 0;
  #qualityAfter = 0;

  add(
    record: SummedRecord,
    { entry, shares, unroutable }: Outcome<U>,
    value: SummedValue | null = null,
  ): void {
    this.#requests++;
    if (unroutable !== null) {
      this.#unroutable[unroutable] = (this.#unroutable[unroutable] ?? 0) + 1;
      return;
    }
    if (entry!.name !== record.entry) this.#movedEntry++;
    if (record.target === null) return;
    if (value) {
      this.#valued++;
      this.#qualityBefore += value.qualityOf(record.target) ?? value.quality;
      this.#qualityAfter += value.quality;
    }
    const usage = value ? value.usage : record.usage;
    let cost = 0;
    for (const { target, share } of shares) {
      if (target.name !== record.target) {
        this.#movedTarget += share;
        const key = [record.policy, record.target, target.name].join('\0');
        this.#moves.set(key, (this.#moves.get(key) ?? 0) + share);
      }
      cost += share * (usage && target.price ? usdOf(target.price, usage) : Number.NaN);
    }
    if (record.cost_usd === null || Number.isNaN(cost)) return;
    this.#priced++;
    this.#before += record.cost_usd;
    this.#after += cost;
  }

  summary(): ReplaySummary<U> {
    const moves = [...this.#moves].map(([key, requests]) => {
      const [policy, from, to] = key.split('\0') as [string, string, string];
      return { policy, from, to, requests };
    });
    return {
      requests: this.#requests,
      moved_entry: this.#movedEntry,
      moved_target: this.#movedTarget,
      unroutable: this.#unroutable,
      priced: this.#priced,
      cost_before_usd: this.#before,
      cost_after_usd: this.#after,
      valued: this.#valued,
      quality_before: this.#valued === 0 ? null : this.#qualityBefore / this.#valued,
      quality_after: this.#valued === 0 ? null : this.#qualityAfter / this.#valued,
      moves: moves.sort((a, b) => b.requests - a.requests),
    };
  }
}
