/** A policy's rules with their names resolved; one that can never decide anything is a mistake and told as one. */
import { isDeepStrictEqual } from 'node:util';
import { hint } from './problems.ts';
import type { Condition, FileRule, InnerCondition } from './schema-rules.ts';
import type { Entry, Rule, Target } from './types.ts';

type Path = readonly PropertyKey[];

export interface RuleNames {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly targets: ReadonlyMap<string, Target>;
  readonly problem: (path: Path, message: string) => void;
}

const isRange = (value: unknown): value is { above?: number; below?: number } =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  ('above' in value || 'below' in value);

/** True when whatever passes `narrow` passes `wide`. */
function implied(wide: unknown, narrow: unknown): boolean {
  if (isDeepStrictEqual(wide, narrow)) return true;
  if (wide === true) return Array.isArray(narrow);
  if (Array.isArray(wide) && Array.isArray(narrow)) return narrow.every((each) => wide.includes(each));
  if (isRange(wide) && isRange(narrow)) {
    return (
      (wide.above === undefined || (narrow.above ?? Number.NEGATIVE_INFINITY) >= wide.above) &&
      (wide.below === undefined || (narrow.below ?? Number.POSITIVE_INFINITY) <= wide.below)
    );
  }
  return false;
}

/** True when whatever passes `narrow` passes `wide`; told by their keys, so some that does is not seen. */
function covers(wide: Condition, narrow: Condition): boolean {
  const { any, ...others } = wide;
  if (any && !isDeepStrictEqual(any, narrow.any) && !any.some((each) => covers(each, narrow))) {
    return (narrow.any ?? []).length > 0 && narrow.any!.every((each) => covers(wide, within(narrow, each)));
  }
  const { any: alternatives } = narrow;
  if (coversPlainly(others, narrow)) return true;
  return alternatives?.every((each) => coversPlainly(others, within(narrow, each))) ?? false;
}

/** One of the alternatives of a condition, with the keys beside them. */
const within = ({ any: _, ...rest }: Condition, each: InnerCondition): Condition => ({ ...rest, ...each });

function coversPlainly(wide: Omit<Condition, 'any'>, narrow: Condition): boolean {
  return Object.entries(wide).every(([key, value]) => {
    const other = narrow[key as keyof Condition];
    if (other === undefined) return false;
    if (key !== 'header') return implied(value, other);
    const headers = other as Record<string, unknown>;
    return Object.entries(value as Record<string, unknown>).every(([name, test]) =>
      implied(test, headers[name]),
    );
  });
}

/** True when the later rule only holds where the earlier one held already. */
function shadows(earlier: FileRule, later: FileRule): boolean {
  if (earlier.score !== undefined && (earlier.score !== later.score || later.at_least! < earlier.at_least!))
    return false;
  return earlier.when === undefined || (later.when !== undefined && covers(earlier.when, later.when));
}

const only = (value: readonly string[] | undefined, ...wanted: readonly string[]) =>
  value?.every((each) => wanted.includes(each)) ?? false;

/** True when nothing passes both. */
function excludes(one: unknown, other: unknown): boolean {
  if (typeof one === 'boolean' && typeof other === 'boolean') return one !== other;
  if (one === false || other === false) return true;
  if (Array.isArray(one) && Array.isArray(other)) return !one.some((each) => other.includes(each));
  if (isRange(one) && isRange(other)) {
    const above = Math.max(one.above ?? -1, other.above ?? -1);
    const below = Math.min(one.below ?? Number.POSITIVE_INFINITY, other.below ?? Number.POSITIVE_INFINITY);
    return above >= below;
  }
  return false;
}

/** A request may bring several of these: two lists without a common item can both hold. */
const MANY = new Set(['tools', 'header', 'not']);

/** Why an alternative can't hold beside the other keys; null: it can. */
function impossibleWithin(when: Condition, each: InnerCondition): string | null {
  for (const [key, value] of Object.entries(each)) {
    const beside = when[key as keyof InnerCondition];
    if (beside === undefined || (MANY.has(key) && Array.isArray(beside) && Array.isArray(value))) continue;
    if (key !== 'header' && excludes(beside, value))
      return `\`${key}\` in \`any\` excludes the one beside it`;
  }
  return impossible(within(when, each));
}

/** Why a condition can hold for no request; null: it can. */
function impossible(when: Condition): string | null {
  for (const [key, value] of Object.entries(when)) {
    if (!isRange(value)) continue;
    if (value.below !== undefined && value.below <= 0) return `${key} is never below ${value.below}`;
    if (
      key !== 'confidence' &&
      Math.floor(value.above ?? -1) + 1 >= (value.below ?? Number.POSITIVE_INFINITY)
    )
      return `no whole number is above ${value.above} and below ${value.below}`;
  }
  if (when.confidence?.above !== undefined && when.confidence.above >= 1) return 'no probability is above 1';
  const legacy = only(when.path, 'completion', 'fim');
  if (legacy && (when.images === true || when.audio === true || when.files === true))
    return 'legacy completions carry text alone';
  if (legacy && when.side_request !== undefined && when.side_request !== false)
    return 'side requests are chats';
  if (legacy && when.turn !== undefined && !when.turn.includes('first'))
    return 'a legacy completion is always a first turn';
  if (legacy && when.tool_result_last === true) return 'legacy completions carry no tools’ results';
  if (only(when.path, 'completion') && when.turns?.above !== undefined)
    return 'legacy completions have no messages';
  if (when.tools === false && only(when.agent === true ? ['general'] : when.agent || undefined, 'general'))
    return 'a general agent is one that brings tools';
  if (when.agent === false && when.tools !== undefined && when.tools !== false)
    return 'who brings tools is an agent';
  if (only(when.turn, 'first') && when.tool_result_last === true)
    return 'a tool’s result is never the first turn’s last message';
  if (when.not && covers(when.not, when)) return '`not` takes back what the other keys ask for';
  if (when.any?.every((each) => impossibleWithin(when, each) !== null))
    return impossibleWithin(when, when.any[0]!);
  return null;
}

const HEADER = /^[!#$%&'*+.^_`|~a-z\d-]{1,100}$/;

function checkNames(when: Condition, path: Path, { entries, problem }: RuleNames): void {
  const levels: readonly (readonly [Condition | InnerCondition, Path])[] = [
    [when, path],
    ...(when.not ? [[when.not, [...path, 'not']] as const] : []),
    ...(when.any ?? []).map((each, i) => [each, [...path, 'any', i]] as const),
  ];
  for (const [level, at] of levels) {
    for (const label of level.label ?? [])
      if (!entries.has(label))
        problem([...at, 'label'], `no label '${label}' in this policy.${hint(label, entries.keys())}`);
    for (const header of Object.keys(level.header ?? {}))
      if (!HEADER.test(header)) problem([...at, 'header'], `'${header}' is no header's name`);
  }
}

export function compileRules(rules: readonly FileRule[], path: Path, names: RuleNames): Rule[] {
  const { entries, targets, problem } = names;
  const at = (index: number) => [...path, 'rules', index];
  const label = (rule: FileRule, index: number) => rule.name ?? `rules[${index}]`;
  return rules.flatMap((rule, index): Rule[] => {
    const here = at(index);
    const lookUp = <T>(
      key: 'entry' | 'target' | 'label',
      known: ReadonlyMap<string, T>,
      what: string,
    ): T | null => {
      const wanted = rule[key];
      if (wanted === undefined) return null;
      const found = known.get(wanted);
      if (found === undefined) {
        const near = hint(wanted, known.keys()) || ` There are: ${[...known.keys()].join(', ')}`;
        problem(
          [...here, key],
          `no ${what} '${wanted}'${what === 'target' ? '' : ' in this policy'}.${near}`,
        );
      }
      return found ?? null;
    };
    const entry = lookUp('entry', entries, 'entry');
    const target = lookUp('target', targets, 'target');
    const taken = lookUp('label', entries, 'label');
    if (rule.when) {
      checkNames(rule.when, [...here, 'when'], names);
      const why = impossible(rule.when);
      if (why !== null) problem([...here, 'when'], `rule '${label(rule, index)}' can never hold: ${why}`);
    }
    const earlier = rules.findIndex((each, i) => i < index && shadows(each, rule));
    if (earlier >= 0) {
      problem(
        here,
        `rule '${label(rule, index)}' can never decide: '${label(rules[earlier]!, earlier)}' before it holds wherever it would`,
      );
    }
    if (!entry && !target && !taken) return [];
    return [
      {
        name: label(rule, index),
        score: rule.score === undefined ? null : { name: rule.score, atLeast: rule.at_least! },
        when: rule.when ?? null,
        entry,
        target,
        label: taken?.name ?? null,
      },
    ];
  });
}
