/**
 * A policy of labels with some of its targets changed, and where logged decisions go under it. Free of the DOM, so that Node
 * tests it; what labels, weights and prices mean is the router's own code (`npm run replay` runs the same).
 */
import { chooseEntry } from '../../router-controller/src/decide/choose/by-label.ts';
import { firstShares, saidOf, staysPut } from '../../router-controller/src/replay/shares.ts';
import type { Outcome, SummedTarget } from '../../router-controller/src/replay/sums.ts';
import type { Config, Policy, Upstream } from './config.ts';
import type { LoggedDecision } from './decisions.ts';
import type { ModelFacts, Prices } from './prices.ts';

export interface KnownTarget extends SummedTarget {
  readonly model: string;
  /** Null: the router does not tell. */
  readonly vision: boolean | null;
  /** Tokens; null: the router does not tell. */
  readonly window: number | null;
}

export type Targets = ReadonlyMap<string, KnownTarget>;

export interface LabelEntry {
  readonly name: string;
  readonly routes: readonly {
    readonly target: KnownTarget;
    readonly weight: number;
    readonly priority: number;
  }[];
  readonly fallbacks: readonly KnownTarget[];
}

export interface LabelPolicy {
  readonly name: string;
  readonly threshold: number;
  readonly fallback: LabelEntry | null;
  readonly entries: ReadonlyMap<string, LabelEntry>;
}

export interface Edits {
  /** Null: as it is. */
  readonly threshold: number | null;
  /** Names of targets by label. */
  readonly targets: ReadonlyMap<string, string>;
}

export const NO_EDITS: Edits = { threshold: null, targets: new Map() };

const upstreamsOf = ({ llms }: Policy): Upstream[] =>
  llms.flatMap((entry) => [entry, ...(entry.targets ?? []), ...(entry.fallbacks ?? [])]);

/** Every target that the configuration names, with what `/v1/models` tells of its model. */
export function targetsOf({ policies }: Config, models: readonly ModelFacts[], prices: Prices): Targets {
  const facts = new Map(models.map((model) => [model.id, model]));
  const targets = new Map<string, KnownTarget>();
  for (const { target, model } of policies.flatMap(upstreamsOf)) {
    if (target === undefined || targets.has(target)) continue;
    const { input_modalities: kinds, context_window: window } = facts.get(model) ?? {};
    targets.set(target, {
      name: target,
      model,
      price: prices.get(model) ?? null,
      vision: kinds ? kinds.includes('image') : null,
      window: window ?? null,
    });
  }
  return targets;
}

/** A policy as the configuration tells it, with edits in force. */
export function policyWith(
  { name, threshold, fallback, llms }: Policy,
  targets: Targets,
  edits: Edits,
): LabelPolicy {
  const known = (names: readonly Upstream[]) => names.flatMap(({ target }) => targets.get(target) ?? []);
  const entries = new Map(
    llms.map((entry): [string, LabelEntry] => {
      const edited = targets.get(edits.targets.get(entry.name) ?? '');
      const own = (entry.targets ?? [entry]).flatMap(({ target, weight = 1, priority = 0 }) => {
        const found = targets.get(target);
        return found ? [{ target: found, weight, priority }] : [];
      });
      const routes = edited ? [{ target: edited, weight: 1, priority: 0 }] : own;
      return [entry.name, { name: entry.name, routes, fallbacks: known(entry.fallbacks ?? []) }];
    }),
  );
  return {
    name,
    threshold: edits.threshold ?? threshold,
    fallback: fallback === null ? null : (entries.get(fallback) ?? null),
    entries,
  };
}

/** What neither an entry's targets nor its fallbacks can do, the router looks for in the whole policy; the page does not. */
export type Nowhere = 'label without entry' | 'left to other models of the policy';

/** Reasons that a label, or the lack of one, gave. What rules, needs and rights decided the page can't decide again. */
const BY_LABEL = new Set([
  'classified',
  'low_confidence',
  'low_confidence_fallback',
  'unknown_label_fallback',
  'empty_prompt_fallback',
  'classifier_timeout_fallback',
  'classifier_error_fallback',
]);

/** What the router tells a target to lack; what it does not tell is taken to be there. */
const isAble =
  ({ needs }: LoggedDecision) =>
  ({ vision, window }: KnownTarget): boolean =>
    !(needs?.vision && vision === false) &&
    !(window !== null && needs?.context_tokens !== undefined && needs.context_tokens > window);

/** @returns the entry under the edited policy; null: the decision stands as it was. */
function entryFor(
  record: LoggedDecision,
  before: LabelPolicy,
  after: LabelPolicy,
): LabelEntry | null | Nowhere {
  if (record.strategy === 'manual') return null;
  if (staysPut(record) && after.entries.has(record.entry)) return after.entries.get(record.entry)!;
  if (staysPut(record) || BY_LABEL.has(record.reason)) {
    const said = saidOf(record);
    const entry = said
      ? chooseEntry(after, said, record.threshold ?? after.threshold)?.entry
      : after.fallback;
    return entry ?? 'label without entry';
  }
  // A rule or a need led to the entry; where it led past the entry's own targets, editing them changes nothing.
  const was = before.entries.get(record.entry);
  const led = was?.routes.some(({ target }) => target.name === record.target);
  return led ? (after.entries.get(record.entry) ?? null) : null;
}

/** Where a decision goes under an edited policy. @param before the policy as it is in force */
export function outcomeOf(
  record: LoggedDecision,
  before: LabelPolicy,
  after: LabelPolicy,
  targets: Targets,
): Outcome<Nowhere> {
  const entry = entryFor(record, before, after);
  if (typeof entry === 'string') return { entry: null, shares: [], unroutable: entry };
  if (entry === null) {
    const name = record.target ?? '';
    const target = targets.get(name) ?? { name, price: null };
    return { entry: { name: record.entry }, shares: [{ target, share: 1 }], unroutable: null };
  }
  const able = isAble(record);
  const shares = firstShares(entry.routes, able);
  const next = shares.length === 0 ? entry.fallbacks.find(able) : undefined;
  if (next) shares.push({ target: next, share: 1 });
  return shares.length > 0
    ? { entry, shares, unroutable: null }
    : { entry: null, shares, unroutable: 'left to other models of the policy' };
}

/** Text that YAML reads as itself. */
const scalar = (text: string) =>
  /^[A-Za-z][\w./ -]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$|\s$/i.test(text)
    ? text
    : JSON.stringify(text);

/** What to change in the configuration file: the policy's own keys alone; all others of it, and of its entries, stay. */
export function stanzaFor(policy: Policy, edits: Edits): string {
  const lines = [
    '# Into the policy of this name; its other keys and entries, and their ranks and fallbacks, stay.',
  ];
  lines.push('policies:', `  - name: ${scalar(policy.name)}`);
  if (edits.threshold !== null) lines.push(`    threshold: ${edits.threshold} # was ${policy.threshold}`);
  const changed = policy.llms.filter(({ name }) => edits.targets.has(name));
  if (changed.length > 0) lines.push('    llms:');
  for (const entry of changed) {
    const was = entry.targets ? 'targets: by weight' : entry.target;
    lines.push(`      - name: ${scalar(entry.name)}`);
    lines.push(`        target: ${scalar(edits.targets.get(entry.name)!)} # was ${was}`);
  }
  return `${lines.join('\n')}\n`;
}
