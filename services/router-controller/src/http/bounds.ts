/** What a request itself leaves to choose from: fields of `nim-llm-router`, or headers for clients whose body is fixed. */
import { targetsOf, visibleTo } from '../authenticate/index.ts';
import { hint } from '../config/problems.ts';
import { CHOOSE_KEYS } from '../config/schema-value.ts';
import type { Choose, Policy, RoutingTable, Target } from '../config/types.ts';
import { echo } from '../echo.ts';
import { RouterError } from '../errors.ts';
import { type Caller, EXTENSION, type RouterExtension } from '../request.ts';

export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Field of `nim-llm-router`, and the header that says the same. The field comes first. */
export const BY_HEADER = {
  policy: 'x-llm-router-policy',
  threshold: 'x-llm-router-threshold',
  targets: 'x-llm-router-targets',
  exclude: 'x-llm-router-exclude',
  max_price: 'x-llm-router-max-price',
  max_cost_usd: 'x-llm-router-max-cost-usd',
  willingness_usd: 'x-llm-router-willingness-usd',
  quality_floor: 'x-llm-router-quality-floor',
  regret: 'x-llm-router-regret',
  cost_share: 'x-llm-router-cost-share',
} as const;

const MOST_NAMES = 64;
const invalid = (param: string, message: string) => new RouterError('invalid_request', message, { param });

export function headerOf(headers: RequestHeaders, name: string): string {
  const value = headers[name];
  return (typeof value === 'string' ? value : (value?.[0] ?? '')).trim();
}

/** The value and where it stands, for messages. */
function given(
  fields: Readonly<Record<string, unknown>>,
  headers: RequestHeaders,
  key: keyof typeof BY_HEADER,
) {
  const value = fields[key];
  if (value !== undefined && value !== null) return { value, where: `${EXTENSION}.${key}` };
  const header = headerOf(headers, BY_HEADER[key]);
  return header === '' ? null : { value: header, where: BY_HEADER[key] };
}

/** @param forbidden names of the policy that the caller may not use */
function names(
  found: { value: unknown; where: string } | null,
  known: readonly string[],
  forbidden: ReadonlySet<string>,
): string[] | null {
  if (!found) return null;
  const { value, where } = found;
  const list = typeof value === 'string' ? value.split(',') : value;
  if (
    !Array.isArray(list) ||
    list.length === 0 ||
    list.length > MOST_NAMES ||
    list.some((each) => typeof each !== 'string')
  )
    throw invalid(where, `'${where}' must be a list of 1 to ${MOST_NAMES} names of targets or model ids`);
  return (list as string[]).map((each) => {
    const name = each.trim();
    if (known.includes(name)) return name;
    if (forbidden.has(name))
      throw new RouterError(
        'permission_denied',
        `This key may not use '${echo(name)}'; it may use: ${known.join(', ') || 'none'}`,
        { param: where },
      );
    throw invalid(
      where,
      `'${where}': no target '${echo(name)}' in this policy.${hint(name, known)} Targets: ${known.join(', ')}`,
    );
  });
}

function number(found: { value: unknown; where: string } | null, most: number, what: string): number | null {
  if (!found) return null;
  const value =
    typeof found.value === 'string' ? Number(found.value === '' ? Number.NaN : found.value) : found.value;
  if (typeof value !== 'number' || !(value >= 0 && value <= most))
    throw invalid(found.where, `'${found.where}' must be ${what}`);
  return value;
}

const namesOf = ({ name, model }: Target) => [name, model];

/** How value is to be weighed: one of four, in the fields or, where none is there, in the headers. */
function readChoose(
  policy: Policy,
  fields: Readonly<Record<string, unknown>>,
  headers: RequestHeaders,
): Choose | null {
  const all = CHOOSE_KEYS.flatMap((by) => {
    const found = given(fields, headers, by);
    return found ? [{ by, found }] : [];
  });
  const inFields = all.filter(({ found }) => found.where.startsWith(EXTENSION));
  const [first, second] = inFields.length > 0 ? inFields : all;
  if (!first) return null;
  const { by, found } = first;
  if (second)
    throw invalid(
      second.found.where,
      `'${found.where}' and '${second.found.where}' say two things; give one of: ${CHOOSE_KEYS.join(', ')}`,
    );
  if (!policy.value)
    throw invalid(
      found.where,
      `'${found.where}' is for policies of kind value, and '${policy.name}' is one of labels; it takes threshold and max_cost_usd`,
    );
  const most = by === 'willingness_usd' ? Number.MAX_VALUE : 1;
  const what = by === 'willingness_usd' ? 'a number of USD, 0 or above' : 'a number from 0 to 1';
  return { by, at: number(found, most, what)! };
}

function readThreshold(
  policy: Policy,
  fields: Readonly<Record<string, unknown>>,
  headers: RequestHeaders,
): number | null {
  const found = given(fields, headers, 'threshold');
  if (found && policy.value)
    throw invalid(
      found.where,
      `'${found.where}' is for policies of labels, and '${policy.name}' is of kind value; it takes one of: ${CHOOSE_KEYS.join(', ')}`,
    );
  return number(found, 1, 'a number from 0 to 1');
}

/** @throws RouterError invalid_request naming the field or header and what it may be */
export function readBounds(
  table: RoutingTable,
  policy: Policy,
  fields: Readonly<Record<string, unknown>>,
  headers: RequestHeaders,
  rights: Pick<Caller, 'policies' | 'targets'>,
): Pick<RouterExtension, 'threshold' | 'targets' | 'exclude' | 'maxPrice' | 'maxCost' | 'choose'> {
  const only = given(fields, headers, 'targets');
  const without = given(fields, headers, 'exclude');
  let known: string[] = [];
  let all: string[] = [];
  if (only || without) {
    const mine = visibleTo(rights, table).policies.find((each) => each.policy === policy);
    const targets = mine?.entries.flatMap((entry) => entry.targets) ?? [];
    known = [...new Set(targets.flatMap(namesOf))];
    all = [...policy.entries.values()].flatMap((entry) => targetsOf(entry).flatMap(namesOf));
  }
  return {
    threshold: readThreshold(policy, fields, headers),
    choose: readChoose(policy, fields, headers),
    maxCost: number(
      given(fields, headers, 'max_cost_usd'),
      Number.MAX_VALUE,
      'a number of USD for this request, 0 or above',
    ),
    targets: names(only, known, new Set(all)),
    exclude: names(without, known, new Set()) ?? [],
    maxPrice: number(
      given(fields, headers, 'max_price'),
      Number.MAX_VALUE,
      'a number of USD per million input tokens, 0 or above',
    ),
  };
}
