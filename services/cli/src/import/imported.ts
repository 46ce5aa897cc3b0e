/** What a configuration of another program becomes, and what of it could not be taken over. */
import { readYaml } from '../../../router-controller/src/config/yaml.ts';
import type { NewTarget } from '../init/providers.ts';
import { CommandError } from '../lib/errors.ts';

export interface Imported {
  readonly targets: readonly NewTarget[];
  /** What was left out, or needs a look; one line each. */
  readonly notes: readonly string[];
}

/** USD per million tokens. */
export interface TokenPrice {
  readonly input: number;
  readonly output: number;
  readonly cached_input?: number;
}

/** USD a token, also as text, to USD a million tokens; null where it is no price. */
function aMillion(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number >= 0
    ? Number((number * 1e6).toPrecision(8))
    : null;
}

/** From what a token costs; null where input or output has no price. */
export function priceOfTokens(input: unknown, output: unknown, cached: unknown): TokenPrice | null {
  const [read, written, again] = [aMillion(input), aMillion(output), aMillion(cached)];
  if (read === null || written === null) return null;
  return { input: read, output: written, ...(again !== null && { cached_input: again }) };
}

/** The cheapest does the easy work and the dearest the hard; without prices the order of the file says it. */
export function withRoles(
  targets: readonly (Omit<NewTarget, 'roles'> & {
    readonly price: TokenPrice | null;
    readonly sees: boolean;
  })[],
): NewTarget[] {
  const cost = (price: TokenPrice | null) => (price ? price.input + price.output : Number.NaN);
  const isPriced = targets.every(({ price }) => price !== null);
  const sorted = isPriced ? targets.toSorted((a, b) => cost(a.price) - cost(b.price)) : targets;
  return sorted.map(({ price, sees, more, ...target }, place) => ({
    ...target,
    roles: [
      ...(place === 0 ? (['small'] as const) : []),
      ...(place > 0 || sorted.length === 1 ? (['large'] as const) : []),
      ...(sees ? (['sees'] as const) : []),
    ],
    more: { ...more, ...(price && { price }) },
  }));
}

/** Dearest first among those who can do the hard work, so that the first of them is the strongest. */
export const strongestFirst = (targets: readonly NewTarget[]): NewTarget[] => {
  const [small, ...others] = targets;
  return small ? [small, ...others.toReversed()] : [];
};

/** The variable for the key of a target of this name: what a shell can set. */
export const variableFor = (name: string): string => {
  const upper = name.toUpperCase().replaceAll(/\W/g, '_');
  return `${/^\d/.test(upper) ? 'TARGET_' : ''}${upper}_KEY`;
};

/** A file of another program. @throws CommandError when it is no YAML */
export function yamlOf(source: string, file: string): unknown {
  try {
    return readYaml(source);
  } catch (error) {
    throw new CommandError(`${file}: not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
}

/** Names of targets are used in the file and in URLs. */
export const nameFrom = (text: string, taken: ReadonlySet<string>): string => {
  const base =
    text
      .toLowerCase()
      .replaceAll(/[^a-z0-9.-]+/g, '-')
      .replaceAll(/^-|-$/g, '') || 'target';
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
  return name;
};
