/** A policy's rules: the first that holds decides. Pure. */
import { type Entry, type Policy, type Rule, type Target, withReplicas } from '../../config/types.ts';
import type { Choice, Classification } from './choose.ts';
import { holds, needsLabel, type Seen } from './conditions.ts';

/** What the classifier said; null: it was not asked yet, `undefined` scores never hold. */
export type Said = Pick<Classification, 'label' | 'confidence' | 'scores' | 'extraScores'> | null;

const needsClassifier = (rule: Rule) => rule.score !== null || (rule.when !== null && needsLabel(rule.when));

function ruleHolds(rule: Rule, said: Said, seen: Omit<Seen, 'label' | 'confidence'>): boolean {
  if (rule.score !== null) {
    const value = said?.extraScores?.[rule.score.name] ?? said?.scores[rule.score.name];
    if (value === undefined || value < rule.score.atLeast) return false;
  }
  return (
    rule.when === null ||
    holds(rule.when, { ...seen, label: said?.label ?? null, confidence: said?.confidence ?? null })
  );
}

/**
 * The first rule that holds.
 *
 * @param said null before the classifier was asked: then `ask` comes back where the next rule in order hangs on its
 * answer. A classifier that failed gives `failed`: such rules don't hold.
 */
export function firstRule(
  { rules }: Policy,
  said: Said | 'failed',
  seen: Omit<Seen, 'label' | 'confidence'>,
): Rule | 'ask' | null {
  const known = said === 'failed' ? null : said;
  for (const rule of rules) {
    if (needsClassifier(rule)) {
      if (said === null) return 'ask';
      if (said === 'failed') continue;
    }
    if (ruleHolds(rule, known, seen)) return rule;
  }
  return null;
}

/** Where a target stands in a policy: the entry of which it is a route, else one that falls back to it. */
export function entryOf(policy: Policy, target: Target): Entry | null {
  const entries = [...policy.entries.values()];
  const has = (list: readonly Target[]) => list.some(({ name }) => name === target.name);
  return (
    entries.find((entry) => has(entry.routes.map((route) => route.target))) ??
    entries.find((entry) => has(entry.fallbacks)) ??
    null
  );
}

/** What follows from a rule. A target that stands in no entry goes under the fallback's name, or the first entry's. */
export function choiceOf(rule: Rule, policy: Policy, random: () => number): Choice {
  if (rule.target) {
    const replicas = withReplicas(rule.target);
    const target = replicas[Math.floor(random() * replicas.length)] ?? rule.target;
    const said = rule.label === null ? undefined : policy.entries.get(rule.label);
    const entry = said ?? entryOf(policy, target) ?? policy.fallback ?? [...policy.entries.values()][0]!;
    return { entry, reason: 'rule', rule, target, ...(rule.label !== null && { label: rule.label }) };
  }
  if (rule.entry) return { entry: rule.entry, reason: 'rule', rule };
  return { entry: policy.entries.get(rule.label!)!, reason: 'rule', rule, label: rule.label! };
}
