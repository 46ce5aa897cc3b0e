/** What is to be routed: a prompt, or what a file holds. */
import { existsSync, readFileSync } from 'node:fs';
import { withoutMark } from '../../../process/src/text-file.ts';
import { whyUnread } from '../../../process/src/unread.ts';
import { CommandError, UsageError } from '../lib/errors.ts';
import { isObject } from '../lib/is-object.ts';

export type Body = Readonly<Record<string, unknown>>;

const MAX_BYTES = 64 * 1024 * 1024;

const ofPrompt = (text: string): Body => ({ messages: [{ role: 'user', content: text }] });

/** A request, or a row that holds one or a prompt. */
function bodyOf(value: unknown, where: string): Body {
  if (typeof value === 'string') return ofPrompt(value);
  if (isObject(value)) {
    if (isObject(value.body)) return value.body;
    if (['messages', 'input'].some((key) => key in value)) return value;
    const text = value.prompt ?? value.text;
    // A request in the old API has a model beside its prompt; a row of a file has not.
    if (typeof text === 'string') return 'model' in value ? value : ofPrompt(text);
  }
  throw new CommandError(
    `${where}: want a request ({"messages": […]}, {"input": …}), {"body": {a request}} or {"prompt": "…"}`,
  );
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${where}: not JSON (${(error as Error).message})`);
  }
}

function ofText(source: string, name: string): Body[] {
  const text = withoutMark(source);
  if (/\.(?:jsonl|ndjson)$/i.test(name))
    return text.split('\n').flatMap((line, at) => {
      if (line.trim() === '') return [];
      const where = `${name}:${at + 1}`;
      return [bodyOf(parse(line, where), where)];
    });
  if (/\.json$/i.test(name) || (name === 'standard input' && /^\s*[{[]/.test(text))) {
    const value = parse(text, name);
    return Array.isArray(value)
      ? value.map((each, at) => bodyOf(each, `${name}[${at}]`))
      : [bodyOf(value, name)];
  }
  return [ofPrompt(text)];
}

function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CommandError(`${file} can’t be read: ${whyUnread(error)}`);
  }
}

/**
 * Reads the command's argument: `-` is standard input, a file's name is that file (.json: a request or a list; .jsonl: one a
 * line; else its text is the prompt), and all else is the prompt itself.
 *
 * @throws CommandError naming the place; UsageError when there is nothing to route
 */
export function readRequests(argument: string): Body[] {
  let bodies: Body[];
  if (argument === '-') bodies = ofText(readFileSync(0, 'utf8'), 'standard input');
  else if (existsSync(argument)) {
    const bytes = bytesOf(argument);
    if (bytes.length > MAX_BYTES) throw new CommandError(`${argument} is larger than ${MAX_BYTES} bytes`);
    bodies = ofText(bytes.toString('utf8'), argument);
  } else if (/^\S+\.(?:jsonl?|ndjson|txt)$/i.test(argument))
    throw new CommandError(`${argument}: no such file`);
  else bodies = [ofPrompt(argument)];
  if (bodies.length === 0) throw new UsageError(`${argument} holds no request`);
  return bodies;
}
