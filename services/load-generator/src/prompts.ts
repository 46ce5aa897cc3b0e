/** What is asked: the prompts of this service, or a file's. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from '../../process/src/text-file.ts';
import { whyUnread } from '../../process/src/unread.ts';
import { UsageError } from './options.ts';

export const OWN_PROMPTS = join(import.meta.dirname, '..', 'prompts.jsonl');

const MAX_FILE_BYTES = 64 * 1024 * 1024;

export interface Message {
  readonly role: string;
  readonly content: unknown;
}
export type Conversation = readonly Message[];

function readLine(line: string, where: string): Conversation {
  let value: { prompt?: unknown; messages?: unknown } | null;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UsageError(`${where}: not JSON`);
  }
  if (typeof value?.prompt === 'string') return [{ role: 'user', content: value.prompt }];
  const messages = value?.messages;
  const isConversation =
    Array.isArray(messages) &&
    messages.length > 0 &&
    messages.every((each) => typeof each?.role === 'string');
  if (isConversation) return messages;
  throw new UsageError(
    `${where}: needs "prompt", a text, or "messages", a list of {"role": …, "content": …}; other fields are left alone`,
  );
}

/**
 * Reads JSON Lines; empty lines are passed over.
 *
 * @throws UsageError naming the line
 */
export function readPrompts(file = OWN_PROMPTS): Conversation[] {
  let text: string;
  try {
    if (statSync(file).size > MAX_FILE_BYTES)
      throw new UsageError(`${file} is larger than ${MAX_FILE_BYTES} bytes`);
    text = readText(file);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--prompts: ${file} can’t be read: ${whyUnread(error)}`);
  }
  const prompts = text
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [readLine(line, `${file}:${index + 1}`)]));
  if (prompts.length === 0) throw new UsageError(`${file} holds no prompts`);
  return prompts;
}
