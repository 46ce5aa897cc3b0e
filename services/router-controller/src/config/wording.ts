/** Zod's issues in our words: what it must be, in YAML's terms. */
import type { z } from 'zod';

/** YAML's words for zod's types. */
const TYPE_WORDS: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  null: 'empty',
};

const FORMAT_WORDS: Readonly<Record<string, string>> = {
  url: 'a URL, such as https://example.com',
  datetime: 'a time such as 2026-12-31T23:59:00Z',
  date: 'a date such as 2026-12-31',
};

const inWords = (type: string) => TYPE_WORDS[type] ?? type;

/** What zod says it received; null: the issue is not of that kind. */
const received = ({ message }: z.core.$ZodIssue): string | null =>
  /received (\w+)/.exec(message)?.[1] ?? null;

/** True when nothing stands there, whichever of several shapes it might have had. */
const isMissing = (issue: z.core.$ZodIssue): boolean =>
  issue.code === 'invalid_union'
    ? issue.errors.length > 0 && issue.errors.every(([first]) => first !== undefined && isMissing(first))
    : issue.code === 'invalid_type' && received(issue) === 'undefined';

function bound(
  { origin, inclusive }: { origin: string; inclusive?: boolean | undefined },
  limit: number | bigint,
  side: 'least' | 'most',
): string {
  const [from, than] = side === 'least' ? ['at least', 'more than'] : ['at most', 'less than'];
  const words = inclusive === false ? than : from;
  if (origin === 'string') return `must have ${words} ${limit} character${limit === 1 ? '' : 's'}`;
  if (['array', 'set', 'map'].includes(origin))
    return `must have ${words} ${limit} item${limit === 1 ? '' : 's'}`;
  return `must be ${words} ${limit}`;
}

/** What it must be, without "must be". */
function wanted(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_type') return [inWords(issue.expected)];
  if (issue.code === 'invalid_value') return issue.values.map((value) => String(value));
  if (issue.code === 'invalid_union')
    return issue.errors.flatMap((errors) => errors.slice(0, 1).flatMap(wanted));
  if (issue.code === 'invalid_format' && FORMAT_WORDS[issue.format]) return [FORMAT_WORDS[issue.format]!];
  return [];
}

/** What stood there instead, where the type is what is wrong. */
function seenIn(issue: z.core.$ZodIssue): string {
  const was = issue.code === 'invalid_type' ? received(issue) : null;
  if (issue.code !== 'invalid_type' || was === null || was === 'NaN') return '';
  return issue.expected === 'int' && was === 'number' ? ', not a fraction' : `, not ${inWords(was)}`;
}

/**
 * @param about what the schema says of the place, for formats that only a pattern tells
 * @returns what would be right there.
 */
export function wordingOf(issue: z.core.$ZodIssue, about: string | undefined): string {
  // The schema's own words say more.
  if (!/^(?:Invalid|Too small|Too big)/.test(issue.message)) return issue.message;
  const right = [...new Set(wanted(issue))];
  const nothing = isMissing(issue);
  if (right.length > 0) {
    const choices = issue.code === 'invalid_value' ? `one of: ${right.join(', ')}` : right.join(', or ');
    if (nothing) return `missing; it must be ${choices}`;
    return `must be ${choices}${seenIn(issue)}`;
  }
  if (issue.code === 'too_small') return bound(issue, issue.minimum, 'least');
  if (issue.code === 'too_big') return bound(issue, issue.maximum, 'most');
  if (issue.code === 'invalid_format' && issue.pattern)
    return about === undefined ? `must match ${issue.pattern}` : `must match ${issue.pattern}: ${about}`;
  return issue.message;
}
