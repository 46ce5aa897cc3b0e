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
import type { DecisionRecord } from '../settle/index.ts';
import { type Headers, type RequestFacts, understand } from '../understand/index.ts';
import { firstShares, type Share, saidOf, staysPut } from './shares.ts';
import { type ReplaySummary, ReplaySums } from './sums.ts';
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
  readonly shares: readonly Share<Target>[];
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
  const ask = { text: '', source: 'none', cut: false, chars: 0, withHistory: null, withForm: null } as const;
  const identity = {
    session: null,
    agent: null,
    user: null,
    opener: null,
    answer: null,
    lane: { tools: '', system: '' },
  };
  return {
    facts: { ask, features, languageOf: () => features, turn, identity, needs, evidence: {} },
    headers: {},
  };
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
  // What stays where it was does so if that is still there.
  const same = staysPut(record) ? policy.entries.get(record.entry) : undefined;
  if (same) return { entry: same, target: null };
  const said = saidOf(record);
  const classification = said && {
    ...said,
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
  const first = firstShares(entry.routes, able);
  if (first.length > 0) return first;
  const { targets } = withinPossible(policy, entry, entry.fallbacks, record.needs, NO_BOUNDS, {
    leave: record.strategy !== 'manual',
    random: () => 0,
  });
  return targets[0] ? [{ target: targets[0], share: 1 }] : [];
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

/** Adds up what a new table does to many requests. */
export class Replay {
  readonly #config: RouterConfig;
  readonly #sums = new ReplaySums<Unroutable>();
  readonly #shares = new CostShares();

  constructor(config: RouterConfig) {
    this.#config = config;
  }

  add(record: DecisionRecord): void {
    const replayed = replay(record, this.#config, this.#shares);
    const { weighed } = replayed;
    this.#sums.add(
      record,
      replayed,
      weighed ? { ...weighed, usage: record.usage && weighed.usageAt(record, record.usage) } : null,
    );
  }

  summary(): ReplaySummary<Unroutable> {
    return this.#sums.summary();
  }
}
