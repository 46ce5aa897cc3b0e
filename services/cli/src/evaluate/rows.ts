/**
 * Reads labelled rows: a spreadsheet with a heading, or JSON lines of `{"prompt", "task" | "complexity" | "intent" | "label"}`, or with a whole request as
 * `"body"` in place of the prompt, and then with the `"target"` that it should go to: a name or a list.
 */
import { createReadStream, type ReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseCsv } from '../../../playground/page/csv.ts';
import { hint } from '../../../process/src/nearest.ts';
import { withoutMark } from '../../../process/src/text-file.ts';
import { whyUnread } from '../../../process/src/unread.ts';
import { isObject } from '../lib/is-object.ts';

export interface PromptRow {
  readonly prompt: string;
  readonly label: string;
  /** ISO 639-1 of the words that ask, where the row says it. */
  readonly language?: string;
}

/** A request as a client sends it. */
export interface BodyRow {
  readonly body: Readonly<Record<string, unknown>>;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Labels of which one is right; empty: nobody says. */
  readonly labels: readonly string[];
  /** Targets of which one is right; empty: nobody says. */
  readonly targets: readonly string[];
  readonly language?: string;
}

export type Row = PromptRow | BodyRow;

/** A file that can't be used; the message is for the user. */
export class BadRows extends Error {}

/** What else names the text. */
const PROMPT_KEYS = ['prompt', 'text'] as const;
const LABEL_KEYS = ['task', 'complexity', 'intent', 'label'] as const;

/** The policy's own key first: a row may carry labels for several. */
function labelKeys(policy: string): string[] {
  return [...new Set([policy.replace(/_router$/, ''), policy, 'label'])];
}

const strings = (value: unknown): readonly string[] | null =>
  typeof value === 'string'
    ? [value]
    : Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string')
      ? value
      : null;

/** Without what stands around it, as `policy train` reads it. */
const trimmed = (label: unknown): unknown =>
  typeof label === 'string' ? label.trim() : Array.isArray(label) ? label.map(trimmed) : label;

/** The label under the policy's own key, or the only one; undefined: there is none. */
function labelOf(fields: Record<string, unknown>, keys: readonly string[]): unknown {
  const own = keys.find((key) => key in fields);
  if (own !== undefined) return trimmed(fields[own]);
  // A policy of another name takes the one label that a row has.
  const others = LABEL_KEYS.filter((key) => typeof fields[key] === 'string');
  return others.length === 1 ? trimmed(fields[others[0]!]) : undefined;
}

/** Where a body without a path of its own is sent, by its shape. */
function pathOf({ messages, prompt, input, system }: Record<string, unknown>): string {
  if (messages !== undefined) return system === undefined ? '/v1/chat/completions' : '/v1/messages';
  return prompt !== undefined
    ? '/v1/completions'
    : input !== undefined
      ? '/v1/responses'
      : '/v1/chat/completions';
}

/** Under `language` or `lang`; the code alone, of `pt-BR` the `pt`. */
function languageOf({ language, lang }: Record<string, unknown>): { language?: string } {
  const said = language ?? lang;
  const code = typeof said === 'string' ? said.toLowerCase().split(/[-_]/)[0]! : '';
  return code === '' ? {} : { language: code };
}

function readBody(fields: Record<string, unknown>, label: unknown, where: string): BodyRow | null {
  const { body, path, headers, target } = fields;
  if (!isObject(body)) throw new BadRows(`${where}: "body" must be a request, as a JSON object`);
  const labels = label === undefined || label === null ? [] : strings(label);
  if (labels === null) throw new BadRows(`${where}: the label must be a string, a list of them, or null`);
  const targets = target === undefined || target === null ? [] : strings(target);
  if (targets === null) throw new BadRows(`${where}: "target" must be a target's name or a list of them`);
  if (labels.length === 0 && targets.length === 0) return null;
  return {
    body,
    path: typeof path === 'string' ? path : pathOf(body),
    headers: isObject(headers)
      ? Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
        )
      : {},
    labels,
    targets,
    ...languageOf(fields),
  };
}

function parsed(line: string, keys: readonly string[], where: string): Fields {
  let item: unknown;
  try {
    item = JSON.parse(line);
  } catch (error) {
    throw new BadRows(
      `${where}: not JSON (${(error as Error).message}); want {"prompt": "…", "${keys[0]}": "…"}, or a .csv`,
    );
  }
  if (!isObject(item)) throw new BadRows(`${where}: want an object {"prompt": "…", "${keys[0]}": "…"}`);
  return item;
}

type Fields = Record<string, unknown>;

/** Null: nobody agreed on a label. */
function readRow(fields: Fields, keys: readonly string[], where: string): Row | null {
  const label = labelOf(fields, keys);
  const noLabel = () => {
    const found = Object.keys(fields).join(', ');
    return new BadRows(
      `${where}: no label under ${keys.map((key) => `"${key}"`).join(' or ')}; the row has: ${found}`,
    );
  };
  if (fields.body !== undefined) {
    if (label === undefined && fields.target === undefined) throw noLabel();
    return readBody(fields, label, where);
  }
  const promptKey = PROMPT_KEYS.find((key) => key in fields);
  const prompt = promptKey && fields[promptKey];
  if (typeof prompt !== 'string') throw new BadRows(`${where}: no "prompt" that is a string`);
  if (label === undefined) throw noLabel();
  if (label !== null && typeof label !== 'string')
    throw new BadRows(`${where}: the label must be a string or null`);
  return label === null ? null : { prompt, label, ...languageOf(fields) };
}

/** @throws BadRows where reading fails after all: a folder can be opened. */
async function* linesOf(input: ReadStream, file: string): AsyncGenerator<string> {
  let failed: unknown = null;
  input.on('error', (error) => {
    failed = error;
  });
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    failed ??= error;
  }
  if (failed) throw new BadRows(`${file}: can’t be read: ${whyUnread(failed)}`);
}

async function* fieldsOf(
  input: ReadStream,
  file: string,
  keys: readonly string[],
): AsyncGenerator<[fields: Fields, where: string]> {
  if (/\.csv$/i.test(file)) {
    yield* rowsOfCsv(file, (await Array.fromAsync(linesOf(input, file))).join('\n'));
    return;
  }
  let number = 0;
  for await (const line of linesOf(input, file)) {
    number++;
    const text = number === 1 ? withoutMark(line) : line;
    if (text.trim() === '') continue;
    const where = `${file}:${number}`;
    yield [parsed(text, keys, where), where];
  }
}

/** Rows of a spreadsheet under the names of its heading, as `policy train` takes them; an empty field is none. @throws BadRows */
function* rowsOfCsv(file: string, text: string): Generator<[fields: Fields, where: string]> {
  let lines: string[][];
  try {
    lines = parseCsv(text);
  } catch (error) {
    throw new BadRows(`${file}: ${(error as Error).message}`);
  }
  const names = (lines.shift() ?? []).map((name) => name.trim().toLowerCase());
  for (const [at, fields] of lines.entries()) {
    const where = `${file}: row ${at + 1}`;
    if (fields.length > names.length)
      throw new BadRows(
        `${where}: ${fields.length} fields under ${names.length} columns; a text with a separator in it stands in quotes`,
      );
    yield [
      Object.fromEntries(
        names.map((name, column) => [
          name,
          fields[column] || (PROMPT_KEYS.some((key) => key === name) ? '' : null),
        ]),
      ),
      where,
    ];
  }
}

/**
 * Rows with a label, one at a time: a file may be larger than memory. Rows whose label is null are passed over: nobody
 * agreed on one.
 *
 * @param labels the model's; another one is refused with its line.
 * @throws BadRows
 */
export async function* readRows(
  file: string,
  policy: string,
  labels: readonly string[],
): AsyncGenerator<Row> {
  const keys = labelKeys(policy);
  const input = createReadStream(file, 'utf8');
  // Opening fails before any line is asked for.
  await new Promise<void>((resolve, reject) => {
    input.once('open', () => resolve());
    input.once('error', (error: NodeJS.ErrnoException) =>
      reject(new BadRows(`${file}: can’t be read: ${whyUnread(error)}`)),
    );
  });
  for await (const [fields, where] of fieldsOf(input, file, keys)) {
    const row = readRow(fields, keys, where);
    if (row === null) continue;
    for (const label of 'label' in row ? [row.label] : row.labels) {
      if (labels.includes(label)) continue;
      throw new BadRows(
        `${where}: '${label}' is no label of the model.${hint(label, labels)} Labels: ${labels.join(', ')}`,
      );
    }
    yield row;
  }
}
