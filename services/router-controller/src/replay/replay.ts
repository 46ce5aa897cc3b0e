/** Pure: what another policy table would have done with a request of the decision log. */
import { lacks } from '../call/index.ts';
import type { Entry, Policy, RouterConfig, Target } from '../config/types.ts';
import { chooseEntry, findManual } from '../decide/index.ts';
import { costOf, type DecisionRecord } from '../settle/index.ts';

export type Unroutable = 'no such policy' | 'no such model' | 'label without entry' | 'no capable target';

/** Where a request would go: each target with its share of 1, because weights draw lots. */
export interface Replayed {
  readonly entry: Entry | null;
  readonly shares: readonly { readonly target: Target; readonly share: number }[];
  readonly unroutable: Unroutable | null;
}

const nowhere = (unroutable: Unroutable): Replayed => ({ entry: null, shares: [], unroutable });

function entryOf(policy: Policy, record: DecisionRecord): Entry | null {
  // A pinned conversation stays where it was, if that is still there.
  const kept = record.reason === 'pinned' || record.reason === 'heuristic';
  const same = kept ? policy.entries.get(record.entry) : undefined;
  if (same) return same;
  if (record.label === null || record.scores === null || record.confidence === null) return policy.fallback;
  const classification = {
    label: record.label,
    confidence: record.confidence,
    scores: record.scores,
    extraScores: record.extra_scores,
    modelVersion: record.model_version ?? '',
    tokenCount: null,
    tokensCut: false,
  };
  return chooseEntry(policy, classification, record.threshold ?? policy.threshold)?.entry ?? null;
}

/** The targets that come first: those of the lowest priority that can do it, by weight; else the first able fallback. */
function firstTargets(entry: Entry, record: DecisionRecord): Replayed['shares'] {
  const able = (target: Target) => lacks(target, record.needs).length === 0;
  const routes = entry.routes.filter(({ target, weight }) => weight > 0 && able(target));
  if (routes.length === 0) {
    const fallback = entry.fallbacks.find(able);
    return fallback ? [{ target: fallback, share: 1 }] : [];
  }
  const lowest = Math.min(...routes.map(({ priority }) => priority));
  const first = routes.filter(({ priority }) => priority === lowest);
  const whole = first.reduce((sum, { weight }) => sum + weight, 0);
  return first.map(({ target, weight }) => ({ target, share: weight / whole }));
}

export function replay(record: DecisionRecord, { table }: RouterConfig): Replayed {
  const policy = table.policies.get(record.policy);
  if (!policy) return nowhere('no such policy');
  if (record.strategy === 'manual') {
    const found = findManual(policy, record.model ?? '');
    if (!found) return nowhere('no such model');
    if (found.target)
      return { entry: found.entry, shares: [{ target: found.target, share: 1 }], unroutable: null };
    return sharesOf(found.entry, record);
  }
  const entry = entryOf(policy, record);
  return entry ? sharesOf(entry, record) : nowhere('label without entry');
}

function sharesOf(entry: Entry, record: DecisionRecord): Replayed {
  const shares = firstTargets(entry, record);
  return shares.length > 0 ? { entry, shares, unroutable: null } : nowhere('no capable target');
}

export interface Move {
  readonly policy: string;
  readonly from: string;
  readonly to: string;
  /** Expected requests: weights draw lots, so this may be a fraction. */
  readonly requests: number;
}

export interface ReplaySummary {
  readonly requests: number;
  readonly moved_entry: number;
  /** Expected number that another target would answer; requests that nobody answered are not in it. */
  readonly moved_target: number;
  readonly unroutable: Readonly<Partial<Record<Unroutable, number>>>;
  /** Requests whose cost is known in both tables; the costs are theirs. */
  readonly priced: number;
  readonly cost_before_usd: number;
  readonly cost_after_usd: number;
  readonly moves: readonly Move[];
}

/** Adds up what a new table does to many requests. */
export class Replay {
  readonly #config: RouterConfig;
  readonly #moves = new Map<string, number>();
  readonly #unroutable: Partial<Record<Unroutable, number>> = {};
  #requests = 0;
  #movedEntry = 0;
  #movedTarget = 0;
  #priced = 0;
  #before = 0;
  #after = 0;

  constructor(config: RouterConfig) {
    this.#config = config;
  }

  add(record: DecisionRecord): void {
    this.#requests++;
    const { entry, shares, unroutable } = replay(record, this.#config);
    if (unroutable) {
      this.#unroutable[unroutable] = (this.#unroutable[unroutable] ?? 0) + 1;
      return;
    }
    if (entry!.name !== record.entry) this.#movedEntry++;
    if (record.target === null) return;
    let cost = 0;
    for (const { target, share } of shares) {
      if (target.name !== record.target) {
        this.#movedTarget += share;
        const key = [record.policy, record.target, target.name].join('\0');
        this.#moves.set(key, (this.#moves.get(key) ?? 0) + share);
      }
      cost += share * ((record.usage && costOf(target, record.usage)) ?? Number.NaN);
    }
    if (record.cost_usd === null || Number.isNaN(cost)) return;
    this.#priced++;
    this.#before += record.cost_usd;
    this.#after += cost;
  }

  summary(): ReplaySummary {
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
      moves: moves.sort((a, b) => b.requests - a.requests),
    };
  }
}
