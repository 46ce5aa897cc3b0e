/** A file of prompts, messages or request bodies as what the router is asked. Free of the DOM, so that Node tests it. */
import { FileProblem, parseCsv } from './csv.ts';

/** More is for `llm-router replay` and `llm-router evaluate`, which keep nothing in a browser's memory. */
export const MAX_ROWS = 5_000;
export const MAX_FILE_BYTES = 20 * 1024 * 1024;
const MAX_COLUMNS = 200;

/** In place of a column: the line itself. */
export const WHOLE_LINE = '';

export type TakenAs = 'prompt' | 'messages' | 'body';

export interface Table {
  /** Names of CSV's heading, or keys of JSONL's objects. */
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** There were more rows than are taken. */
  readonly cut: boolean;
  readonly isJson: boolean;
}

export type Body = Record<string, unknown>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A file's text. What is no UTF-8, as spreadsheets write where they are not told otherwise, would be routed with holes in it.
 *
 * @throws FileProblem
 */
export function decoded(bytes: ArrayBuffer | Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FileProblem('The file is not UTF-8; save it as “CSV UTF-8”, or as JSON');
  }
}

/** A file that is one list of rows, or one row over several lines; null: it is not. */
function readJson(text: string): Table | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const all: unknown[] = Array.isArray(value) ? value : [value];
  const wrong = all.findIndex((each) => !isObject(each));
  if (wrong >= 0) throw new FileProblem(`Entry ${wrong + 1} of the list is no object`);
  return tableOf(all as Record<string, unknown>[], all.length > MAX_ROWS);
}

function tableOf(all: readonly Record<string, unknown>[], cut: boolean): Table {
  const rows = all.slice(0, MAX_ROWS);
  const columns = [...new Set(rows.slice(0, 100).flatMap((row) => Object.keys(row)))].slice(0, MAX_COLUMNS);
  return { columns, rows, cut, isJson: true };
}

function readJsonl(text: string): Table {
  const rows: Record<string, unknown>[] = [];
  let cut = false;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    if (rows.length === MAX_ROWS) {
      cut = true;
      break;
    }
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new FileProblem(`Line ${index + 1} is not JSON; JSONL has one object a line`);
    }
    if (!isObject(value))
      throw new FileProblem(`Line ${index + 1} is no object; JSONL has one object a line`);
    rows.push(value);
  }
  return tableOf(rows, cut);
}

function readCsv(text: string): Table {
  // One more than is taken tells that there are more.
  const [heading, ...lines] = parseCsv(text, MAX_ROWS + 2);
  if (!heading) throw new FileProblem('The file is empty');
  const columns = heading.map((name) => name.trim());
  if (columns.length > MAX_COLUMNS) throw new FileProblem(`The file has more than ${MAX_COLUMNS} columns`);
  const unnamed = columns.findIndex((name, index) => name === '' || columns.indexOf(name) !== index);
  if (unnamed >= 0)
    throw new FileProblem(
      `Column ${unnamed + 1} has ${columns[unnamed] === '' ? 'no name' : `the name '${columns[unnamed]}' again`}; the first line of a CSV file names its columns`,
    );
  for (const [index, fields] of lines.entries())
    if (fields.length > columns.length)
      throw new FileProblem(
        `Row ${index + 1} has ${fields.length} fields, and the heading ${columns.length}; fields with a separator in them stand in quotes`,
      );
  const rows = lines
    .slice(0, MAX_ROWS)
    .map((fields) => Object.fromEntries(columns.map((name, index) => [name, fields[index] ?? ''])));
  return { columns, rows, cut: lines.length > MAX_ROWS, isJson: false };
}

/** @throws FileProblem that says which line is wrong, and what would be right */
export function readTable(source: string): Table {
  const text = source.replace(/^\uFEFF/, '');
  const table = /^\s*[{[]/.test(text) ? (readJson(text) ?? readJsonl(text)) : readCsv(text);
  if (table.rows.length === 0) throw new FileProblem('The file has no rows');
  return table;
}

const PROMPTS = ['prompt', 'text', 'question', 'query', 'instruction', 'input', 'content'];

/** What a file most likely means: the column, and how it is to be taken. */
export function guess({ columns, isJson, rows }: Table): { column: string; as: TakenAs } {
  const named = new Map(columns.map((name) => [name.toLowerCase(), name]));
  const body = named.get('body');
  if (body !== undefined) return { column: body, as: 'body' };
  const messages = named.get('messages');
  if (messages !== undefined) {
    const isWhole = isJson && ['model', 'tools', 'max_tokens', 'stream'].some((key) => key in rows[0]!);
    return isWhole ? { column: WHOLE_LINE, as: 'body' } : { column: messages, as: 'messages' };
  }
  const prompt = PROMPTS.map((name) => named.get(name)).find((name) => name !== undefined);
  return { column: prompt ?? columns[0]!, as: 'prompt' };
}

function parsed(value: unknown, what: string): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    throw new FileProblem(`The column holds no JSON, as ${what} have`);
  }
}

/** The request of one row, without what routes it. @throws FileProblem when the row has none */
export function bodyOf(row: Readonly<Record<string, unknown>>, column: string, as: TakenAs): Body {
  const value = column === WHOLE_LINE ? row : row[column];
  if (as === 'prompt') {
    const text = typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value);
    if (text.trim() === '') throw new FileProblem('The prompt is empty');
    return { messages: [{ role: 'user', content: text }] };
  }
  if (as === 'messages') {
    const messages = parsed(value, 'messages');
    if (!Array.isArray(messages) || !messages.every(isObject))
      throw new FileProblem('The messages are no list of {"role", "content"}');
    return { messages };
  }
  const body = parsed(value, 'request bodies');
  if (!isObject(body)) throw new FileProblem('The request body is no JSON object');
  return body;
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : ''))
    .filter(Boolean)
    .join(' ');
}

/** What a reader recognises a request by: its last words. */
export function excerptOf({ messages, prompt, input }: Body): string {
  const list = Array.isArray(messages) ? messages : Array.isArray(input) ? input : [];
  const last = list.findLast((message) => isObject(message) && message.role === 'user') ?? list.at(-1);
  const text = isObject(last) ? textOf(last.content) : textOf(prompt ?? input);
  return text.length > 300 ? `${text.slice(0, 300)} …` : text;
}

/** Characters of all words of a request; pictures have none. */
export function charsOf(body: Body): number {
  const list = [body.messages, body.input, body.system, body.prompt].flat().filter((each) => each != null);
  return list.reduce<number>(
    (sum, each) => sum + textOf(isObject(each) ? each.content : each).length,
    body.tools ? JSON.stringify(body.tools).length : 0,
  );
}
