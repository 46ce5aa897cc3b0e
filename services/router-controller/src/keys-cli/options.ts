/** What the command line says of a key. */
import { parseArgs } from 'node:util';
import type { StoredKey } from '../authenticate/index.ts';
import { problemsOf } from '../config/problems.ts';
import { type KeyRights, keyRightsSchema } from '../config/schema-auth.ts';
import { HELP } from './help.ts';

export { HELP };

export const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: 'string' },
    name: { type: 'string' },
    tenant: { type: 'string' },
    policies: { type: 'string' },
    targets: { type: 'string' },
    expires: { type: 'string' },
    rpm: { type: 'string' },
    tpm: { type: 'string' },
    concurrent: { type: 'string' },
    'budget-usd': { type: 'string' },
    'budget-tokens': { type: 'string' },
    'budget-period': { type: 'string' },
    'budget-time-zone': { type: 'string' },
    'budget-begins': { type: 'string' },
    grace: { type: 'string' },
    limit: { type: 'string' },
    by: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', default: false },
  },
});

export function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

/** It was asked for rightly, and could not be done. */
export function unable(message: string): never {
  console.error(message);
  process.exit(1);
}

const RIGHTS = [
  'name',
  'tenant',
  'policies',
  'targets',
  'expires',
  'rpm',
  'tpm',
  'concurrent',
  'budget-usd',
  'budget-tokens',
  'budget-period',
  'budget-time-zone',
  'budget-begins',
] as const;

/** Options that a command does not know are mistakes, not noise. */
export function checkOptions(command: string): void {
  const known: Record<string, readonly string[]> = {
    create: [...RIGHTS, 'by'],
    update: [...RIGHTS, 'by'],
    list: [],
    rotate: ['grace', 'by'],
    audit: ['limit'],
  };
  const allowed = new Set(['config', 'help', 'json', ...(known[command] ?? ['by'])]);
  const wrong = Object.keys(values).find((name) => !allowed.has(name));
  if (wrong !== undefined) fail(`keys ${command} knows no --${wrong}\n\n${HELP}`);
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_GRACE_MS = 30 * 86_400_000;

/** When the old secret ends; null: now. */
export function graceEnd(): Date | null {
  const { grace } = values;
  if (grace === undefined) return null;
  const [, count, unit] = /^([1-9][0-9]*)([smhd])$/.exec(grace) ?? [];
  const ms = Number(count) * (UNITS[unit!] ?? Number.NaN);
  if (!(ms <= MAX_GRACE_MS)) fail(`--grace wants a time such as 10m, 24h or 7d, at most 30d, not '${grace}'`);
  return new Date(Date.now() + ms);
}

function expiry(text: string): string {
  const days = /^([1-9][0-9]*)d$/.exec(text);
  const time = days ? Date.now() + Number(days[1]) * UNITS.d! : Date.parse(text);
  if (Number.isNaN(time))
    fail(`--expires wants a date such as 2027-01-31, or days such as 90d, not '${text}'`);
  if (time <= Date.now()) fail(`--expires ${text} is in the past`);
  return new Date(time).toISOString();
}

const NONE = 'none';
function list(text: string): string[] {
  const names = text.split(',').map((part) => part.trim());
  return names.includes('') ? fail(`'${text}': names, with commas between, and one of them is empty`) : names;
}

/** @param flag that the value stands behind, for what is told of it */
function number(flag: string, text: string): number | undefined {
  if (text === NONE) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : fail(`--${flag} wants a number, or ${NONE}, not '${text}'`);
}

/** Where the fields of a key come from. */
const FLAGS: Readonly<Record<string, string>> = {
  'limits.requests_per_minute': 'rpm',
  'limits.tokens_per_minute': 'tpm',
  'limits.concurrent': 'concurrent',
  'budget.usd': 'budget-usd',
  'budget.tokens': 'budget-tokens',
  'budget.period': 'budget-period',
  'budget.time_zone': 'budget-time-zone',
  'budget.begins': 'budget-begins',
};

const isSome = (value: unknown) => value !== undefined && value !== null;
const some = (object: object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => isSome(value)));

/** What was given, in place of what there was: `undefined` was not given, null was taken away. */
function given(before: Partial<KeyRights>): Record<string, unknown> {
  const text = <T>(value: string | undefined, read: (text: string) => T) =>
    value === undefined ? undefined : value === NONE ? null : read(value);
  const { name, tenant, policies, targets, expires, rpm, tpm, concurrent } = values;
  const { 'budget-usd': usd, 'budget-tokens': tokens, 'budget-period': period } = values;
  const { 'budget-time-zone': time_zone, 'budget-begins': begins } = values;
  const fields: Record<string, unknown> = {
    name: text(name, String),
    tenant,
    policies: text(policies, list),
    targets: text(targets, list),
    expires: text(expires, expiry),
  };
  if ([rpm, tpm, concurrent].some(isSome)) {
    const limits: Record<string, unknown> = { ...before.limits };
    for (const [field, value] of [
      ['requests_per_minute', rpm],
      ['tokens_per_minute', tpm],
      ['concurrent', concurrent],
    ] as const)
      if (value !== undefined) limits[field] = number(FLAGS[`limits.${field}`]!, value);
    const left = some(limits);
    const counts = ['requests_per_minute', 'tokens_per_minute', 'concurrent'].some((field) => field in left);
    fields.limits = counts ? left : null;
  }
  if ([usd, tokens, period, time_zone, begins].some(isSome)) {
    const { usd: _usd, tokens: _tokens, begins: began, ...rest } = before.budget ?? {};
    const amount = isSome(usd ?? tokens)
      ? some({
          usd: isSome(usd) ? number('budget-usd', usd!) : undefined,
          tokens: isSome(tokens) ? number('budget-tokens', tokens!) : undefined,
        })
      : some({ usd: before.budget?.usd, tokens: before.budget?.tokens });
    const isGone = [usd, tokens].some((value) => value === NONE) && Object.keys(amount).length === 0;
    // Another period does not begin where the one before it did.
    const kept = { ...rest, ...(period === undefined && some({ begins: began })) };
    const zone = text(time_zone, String);
    const first = text(begins, (value) => (/^\d+$/.test(value) ? Number(value) : value.toLowerCase()));
    const budget: Record<string, unknown> = { period: 'month', ...kept, ...some({ period }), ...amount };
    for (const [field, value] of Object.entries({ time_zone: zone, begins: first }))
      if (value === null) delete budget[field];
      else if (value !== undefined) budget[field] = value;
    fields.budget = isGone ? null : budget;
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function checked(rights: object): KeyRights {
  const parsed = keyRightsSchema.safeParse(rights);
  if (parsed.success) return parsed.data;
  const told = problemsOf(parsed.error, keyRightsSchema).map(({ path, message }) => {
    const field = path.replace(/\[\d+\]$/, '');
    return `${field === 'budget' ? field : `--${FLAGS[field] ?? field}`}: ${message}`;
  });
  return fail(told.join('\n'));
}

/** Rights of a new key. */
export const newRights = (): KeyRights => checked(some(given({})));

/** Fields of a key that change; null takes one away. */
export function changedRights(key: StoredKey): Record<string, unknown> {
  const { id: _id, hash: _hash, previous: _previous, created: _created, updated: _updated, ...rights } = key;
  const fields = given(rights);
  if (Object.keys(fields).length === 0) fail(`keys update changes nothing; say what\n\n${HELP}`);
  checked(some({ ...rights, ...fields }));
  return fields;
}
