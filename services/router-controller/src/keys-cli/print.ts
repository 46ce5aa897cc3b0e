/** What is shown: a new key, lines for the configuration file, lists. */
import { dump } from 'js-yaml';
import { type AuditEntry, livingSecrets, type StoredKey } from '../authenticate/index.ts';
import { values } from './options.ts';

/** `--json`: the one line of a command; false where it was not asked for. */
export function printJson(told: object): boolean {
  if (values.json) console.log(JSON.stringify(told));
  return values.json === true;
}

/** A key as a list shows it: without the hashes of its secrets. */
const shown = ({ hash: _hash, previous: _previous, ...rest }: StoredKey) => rest;

export function printKey(key: string, id: string): void {
  if (printJson({ key, id })) return;
  console.log(`key  ${key}\nid   ${id}\n\nThe key is shown this once; only its hash is kept.`);
}

/** What goes into the configuration file: only what was given, defaults would be noise there. */
export function entryOf({ id, hash, tenant, ...rest }: Omit<StoredKey, 'created'>): object {
  return JSON.parse(JSON.stringify({ id, hash, ...(tenant !== 'default' && { tenant }), ...rest }));
}

export const stanza = (key: Omit<StoredKey, 'created'>): string =>
  dump({ auth: { keys: [entryOf(key)] } }, { lineWidth: -1 });

function table(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
}

function noteOf(key: StoredKey, isDouble: boolean): string {
  const until = livingSecrets(key).map((old) => old.until.slice(0, 16));
  return [
    ...(isDouble ? ['refused: its id stands in the file, too'] : []),
    ...(key.disabled ? ['disabled'] : []),
    ...(until.length > 0 ? [`old secret good until ${until.join(', ')}`] : []),
  ].join('; ');
}

export function printKeys(inFile: readonly StoredKey[], inRedis: readonly StoredKey[]): void {
  const ids = new Set(inFile.map(({ id }) => id));
  const kept = (place: string) => (key: StoredKey) => ({
    ...shown(key),
    place,
    ...(place === 'redis' && ids.has(key.id) && { refused: true }),
  });
  if (printJson({ keys: [...inFile.map(kept('file')), ...inRedis.map(kept('redis'))] })) return;
  const row = (key: StoredKey, isDouble: boolean) => [
    key.id,
    key.tenant,
    key.name ?? '',
    key.policies?.join(',') ?? 'all',
    key.created?.slice(0, 10) ?? '',
    key.expires?.slice(0, 10) ?? 'never',
    noteOf(key, isDouble),
  ];
  table([
    ['ID', 'TENANT', 'NAME', 'POLICIES', 'CREATED', 'EXPIRES', 'NOTE'],
    ...inFile.map((key) => [...row(key, false).slice(0, 4), 'in the file', ...row(key, false).slice(5)]),
    ...inRedis.map((key) => row(key, ids.has(key.id))),
  ]);
}

export function printAudit(entries: readonly AuditEntry[]): void {
  if (printJson({ entries })) return;
  const told = ({ changes = {} }: AuditEntry) =>
    Object.entries(changes)
      .map(([field, { before, after }]) => `${field}: ${text(before)} → ${text(after)}`)
      .join('; ');
  const text = (value: unknown) =>
    value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value);
  table([
    ['AT', 'BY', 'FROM', 'WHAT', 'KEY', 'TENANT', 'CHANGES'],
    ...entries.map((entry) => [
      entry.at.slice(0, 19),
      entry.by,
      entry.from ?? '',
      entry.action,
      entry.key_id,
      entry.tenant,
      told(entry),
    ]),
  ]);
}
