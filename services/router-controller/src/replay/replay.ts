/** Pure: what another policy table would have done with a request of the decision log. */
import { lacks } from '../call/index.ts';
import type { Entry, Policy, RouterConfig, Rule, Target } from '../config/types.ts';
import {
  CostShares,
  choiceOf,
  chooseEntry,
  findManual,
  firstRule,
  NO_BOUNDS,
  withinPossible,
} from '../decide/index.ts';
import { RouterError } from '../errors.ts';
import { costOf, type DecisionRecord } from '../settle/index.ts';
import { type Headers, type RequestFacts, understand } from '../understand/index.ts';
import { type ReplayedValue, replayValue } from './value.ts';

export type Unroutable =
  | 'no such policy'
  | 'no such model'
  | 'label without entry'
  | 'no capable target'
  | 'no value logged'; // decided by labels, and the other table wants P of its targets

/** Where a request would go: each target with its share of 1, because weights draw lots. */
export interface Replayed {
  readonly entry: Entry | null;
  readonly shares: readonly { readonly target: Target; readonly share: number }[];
  readonly unroutable: Unroutable | null;
  /** Of policies of kind value. */
  readonly weighed?: ReplayedValue;
}

/** Trouble that another table does not mend. */
const isFallback = ({ reason }: DecisionRecord) => reason.startsWith('classifier_');

/** For lines of versions that logged no features. */
const NOTHING_KNOWN = understand(
  { body: {}, path: '', headers: {} },
  {
    prompt: { turns: 1, max_chars: 1 },
    identity: { session_headers: [], session_fields: [], agent_headers: [], agent_fields: [] },
  },
);

const nowhere = (unroutable: Unroutable): Replayed => ({ entry: null, shares: [], unroutable });

/** What rules look at; headers are not logged, so rules on them don't hold here. */
function seenOf({ features, turn, needs }: DecisionRecord): { facts: RequestFacts; headers: Headers } | null {
  if (!features || !turn) return null;
  // Neither words nor names of conversations are in the log, and no rule asks for them.
  const ask = { text: '', source: 'none', cut: false, chars: 0, withHistory: null } as const;
  const identity = {
    session: null,
    agent: null,
    user: null,
    opener: null,
    answer: null,
    lane: { tools: '', system: '' },
  };
  return { facts: { ask, features, turn, identity, needs, evidence: {} }, headers: {} };
}

/** The rule that would decide. */
function ruleFor(policy: Policy, record: DecisionRecord): Rule | null {
  const said =
    record.label !== null && record.scores !== null && record.confidence !== null
      ? {
          label: record.label,
          confidence: record.confidence,
          scores: record.scores,
          extraScores: record.extra_scores,
        }
      : 'failed';
  const rule = firstRule(policy, said, seenOf(record) ?? { facts: NOTHING_KNOWN, headers: {} });
  return rule === 'ask' ? null : rule;
}

function choiceFor(policy: Policy, record: DecisionRecord): { entry: Entry; target: Target | null } | null {
  // A pinned conversation stays where it was, if that is still there.
  const kept = record.reason === 'pinned' || record.reason === 'heuristic';
  const same = kept ? policy.entries.get(record.entry) : undefined;
  if (same) return { entry: same, target: null };
  const told = record.label !== null && record.scores !== null && record.confidence !== null;
  // A rule that said what the request is stands as its label; what the classifier said are the scores.
  const [best] = Object.entries(record.scores ?? {}).sort(([, a], [, b]) => b - a);
  const classification = told && {
    label: best?.[0] ?? record.label!,
    confidence: best?.[1] ?? record.confidence!,
    scores: record.scores!,
    extraScores: record.extra_scores,
    modelVersion: record.model_version ?? '',
    tokenCount: null,
    tokensCut: false,
  };
  const seen = seenOf(record) ?? { facts: NOTHING_KNOWN, headers: {} };
  const rule = firstRule(policy, classification || 'failed', seen);
  if (rule && rule !== 'ask') {
    const { entry, target } = choiceOf(rule, policy, () => 0);
    return { entry, target: target ?? null };
  }
  const entry = classification
    ? chooseEntry(policy, classification, record.threshold ?? policy.threshold)?.entry
    : policy.fallback;
  return entry ? { entry, target: null } : null;
}

/** The targets that come first: those of the lowest priority that can do it, by weight; else the first able fallback. */
function firstTargets(policy: Policy, entry: Entry, record: DecisionRecord): Replayed['shares'] {
  const able = (target: Target) => lacks(target, record.needs).length === 0;
  const routes = entry.routes.filter(({ target, weight }) => weight > 0 && able(target));
  if (routes.length === 0) {
    const { targets } = withinPossible(policy, entry, entry.fallbacks, record.needs, NO_BOUNDS, {
      leave: record.strategy !== 'manual',
      random: () => 0,
    });
    return targets[0] ? [{ target: targets[0], share: 1 }] : [];
  }
  const lowest = Math.min(...routes.map(({ priority }) => priority));
  const first = routes.filter(({ priority }) => priority === lowest);
  const whole = first.reduce((sum, { weight }) => sum + weight, 0);
  return first.map(({ target, weight }) => ({ target, share: weight / whole }));
}

/** @param shares remembers prompts for `cost_share`; by default nothing came before. */
export function replay(
  record: DecisionRecord,
  { table }: RouterConfig,
  shares: CostShares = new CostShares(),
): Replayed {
  const policy = table.policies.get(record.policy);
  if (!policy) return nowhere('no such policy');
  if (record.strategy === 'manual') {
    const found = findManual(policy, record.model ?? '');
    if (!found) return nowhere('no such model');
    if (found.target)
      return { entry: found.entry, shares: [{ target: found.target, share: 1 }], unroutable: null };
    return sharesOf(policy, found.entry, record);
  }
  const ruled = policy.value ? ruleFor(policy, record) : null;
  const kept = record.reason === 'pinned' && policy.entries.has(record.entry);
  if (policy.value && !ruled && !kept && !isFallback(record)) {
    if (!record.value) return nowhere('no value logged');
    const weighed = replayValue(policy, record, record.value, shares);
    if (!weighed) return nowhere('no capable target');
    const { entry } = weighed;
    return { entry, shares: sharesOf(policy, entry, record).shares, unroutable: null, weighed };
  }
  const choice = choiceFor(policy, record);
  if (!choice) return nowhere('label without entry');
  const { entry, target } = choice;
  if (target && lacks(target, record.needs).length === 0)
    return { entry, shares: [{ target, share: 1 }], unroutable: null };
  return sharesOf(policy, entry, record);
}

function sharesOf(policy: Policy, entry: Entry, record: DecisionRecord): Replayed {
  try {
    const shares = firstTargets(policy, entry, record);
    return shares.length > 0 ? { entry, shares, unroutable: null } : nowhere('no capable target');
  } catch (error) {
    if (error instanceof RouterError) return nowhere('no capable target');
    throw error;
  }
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
  /** Requests to policies of kind value, and the mean P of the targets that answered, or would. */
  readonly valued: number;
  readonly quality_before: number | null;
  readonly quality_after: number | null;
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
  #valued = 0;
  #qualityBefore = 0;
  #qualityAfter = 0;
  readonly #shares = new CostShares();

  constructor(config: RouterConfig) {
    this.#config = config;
  }

  add(record: DecisionRecord): void {
    this.#requests++;
    const { entry, shares, unroutable, weighed } = replay(record, this.#config, this.#shares);
    if (unroutable) {
      this.#unroutable[unroutable] = (this.#unroutable[unroutable] ?? 0) + 1;
      return;
    }
    if (entry!.name !== record.entry) this.#movedEntry++;
    if (record.target === null) return;
    if (weighed) {
      this.#valued++;
      this.#qualityBefore += weighed.qualityOf(record.target) ?? weighed.quality;
      this.#qualityAfter += weighed.quality;
    }
    let cost = 0;
    for (const { target, share } of shares) {
      if (target.name !== record.target) {
        this.#movedTarget += share;
        const key = [record.policy, record.target, target.name].join('\0');
        this.#moves.set(key, (this.#moves.get(key) ?? 0) + share);
      }
      const usage = record.usage && (weighed?.usageAt(record, record.usage) ?? record.usage);
      cost += share * ((usage && costOf(target, usage)) ?? Number.NaN);
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
      valued: this.#valued,
      quality_before: this.#valued === 0 ? null : this.#qualityBefore / this.#valued,
      quality_after: this.#valued === 0 ? null : this.#qualityAfter / this.#valued,
      moves: moves.sort((a, b) => b.requests - a.requests),
    };
  }
}
