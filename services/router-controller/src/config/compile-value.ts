/** Policies of `kind: value`: one entry a target, and the settings that weigh them. */
import { hint } from './problems.ts';
import { ranksOf } from './ranks.ts';
import type { ConfigFile } from './schema.ts';
import { CHOOSE_KEYS, type FileChoose } from './schema-value.ts';
import type { Choose, Entry, Target, ValueSettings, WeightedTarget } from './types.ts';

type FilePolicy = ConfigFile['policies'][number];
type Path = readonly PropertyKey[];

interface Compiling {
  target(name: string, path: Path): Target | null;
  problem(path: Path, message: string): void;
}

const ONLY_VALUE = ['targets', 'choose', 'unfamiliar'] as const;

export function chooseOf(choose: FileChoose): Choose {
  const by = CHOOSE_KEYS.find((key) => choose[key] !== undefined) ?? 'regret';
  return { by, at: choose[by] ?? 0 };
}

/** Keys of the other kind: they would be ignored, and nobody would notice. */
export function checkKind(policy: FilePolicy, path: Path, compiling: Pick<Compiling, 'problem'>): void {
  const problem = (at: Path, message: string) => compiling.problem(at, message);
  if (policy.kind === 'value') {
    if (policy.llms) problem([...path, 'llms'], 'a policy of `kind: value` lists its `targets` instead');
    if (policy.threshold > 0)
      problem(
        [...path, 'threshold'],
        'is for labels; a policy of `kind: value` has `unfamiliar`, and `quality_floor` in `choose`',
      );
    for (const key of ['targets', 'choose'] as const)
      if (!policy[key])
        problem(
          [...path, key],
          key === 'targets'
            ? 'missing; list the targets that the head has outputs for'
            : `missing; it needs exactly one of: ${CHOOSE_KEYS.join(', ')}`,
        );
    return;
  }
  if (!policy.llms) problem([...path, 'llms'], 'missing; it must be a list');
  for (const key of ONLY_VALUE)
    if (policy[key]) problem([...path, key], 'is for policies of `kind: value`; labels have `llms`');
  if (Object.keys(policy.points).length > 0)
    problem([...path, 'points'], 'is for policies of `kind: value`; labels have `llms`');
  if (policy.explore > 0) problem([...path, 'explore'], 'is for policies of `kind: value`');
}

/** Entries named as their targets; every target needs a price. */
export function valueEntries(
  policy: FilePolicy,
  path: Path,
  compiling: Compiling,
  spread: (target: Target) => WeightedTarget[],
): { entries: Map<string, Entry>; ranked: boolean } {
  const made: { name: string; target: Target }[] = [];
  for (const [index, name] of (policy.targets ?? []).entries()) {
    const at = [...path, 'targets', index];
    const target = compiling.target(name, at);
    if (!target) continue;
    if (made.some((other) => other.name === name)) {
      compiling.problem(at, `'${name}' stands twice in this policy`);
      continue;
    }
    if (!target.price)
      compiling.problem(
        at,
        `target '${name}' has no \`price\`, which a policy of \`kind: value\` weighs; give it one: { input, output }`,
      );
    made.push({ name, target });
  }
  const ranks = ranksOf(made.map(({ target }) => ({ rank: undefined, price: target.price })));
  const entries = made.map(({ name, target }, index): [string, Entry] => [
    name,
    { name, routes: spread(target), fallbacks: [], rank: ranks?.[index] ?? 0, extraBody: null },
  ]);
  return { entries: new Map(entries), ranked: ranks !== null };
}

/** @returns null: a policy of labels */
export function valueSettings(
  policy: FilePolicy,
  path: Path,
  entries: ReadonlyMap<string, Entry>,
  compiling: Pick<Compiling, 'problem'>,
): ValueSettings | null {
  if (policy.kind !== 'value' || !policy.choose) return null;
  const choose = chooseOf(policy.choose);
  const known = [...entries.keys()];
  const entry = (name: string, at: Path) => {
    const found = entries.get(name);
    if (!found)
      compiling.problem(
        at,
        `'${name}' is none of this policy’s targets.${hint(name, known) || ` Targets here: ${known.join(', ')}`}`,
      );
    return found ?? null;
  };
  const { unfamiliar, answer_tokens: tokens } = policy;
  const far = unfamiliar?.target ? entry(unfamiliar.target, [...path, 'unfamiliar', 'target']) : null;
  if (typeof tokens !== 'number')
    for (const name of Object.keys(tokens)) entry(name, [...path, 'answer_tokens', name]);
  const points: [string, Choose][] = [
    ['cheap', { by: 'regret', at: 0.1 }],
    ['balanced', choose],
    ['best', { by: 'regret', at: 0 }],
    ...Object.entries(policy.points).map(([name, each]): [string, Choose] => [name, chooseOf(each)]),
  ];
  return {
    choose,
    unfamiliar: unfamiliar ? { below: unfamiliar.below, entry: far } : null,
    points: new Map(points),
    explore: policy.explore,
  };
}
