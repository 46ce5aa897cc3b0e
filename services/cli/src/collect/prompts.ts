/** The prompts to be asked: JSON lines `{"prompt", "group"?, "reference"?}`, or a text file with one prompt a line. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { withoutMark } from '../../../process/src/text-file.ts';
import { whyUnread } from '../../../process/src/unread.ts';
import { UsageError } from '../lib/errors.ts';

export interface Prompt {
  /** Digest of the text: what is known of it is found again by it. */
  readonly id: string;
  readonly text: string;
  /** Kind of prompt, for `value:train`; null: not told. */
  readonly group: string | null;
  /** An answer that is known to be good; null: there is none. */
  readonly reference: string | null;
}

const EXAMPLE = '{"prompt": "…", "group": "billing", "reference": "a good answer, where there is one"}';

const idOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 24);

function optional(value: unknown, name: string, where: string): string | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new UsageError(`${where}: "${name}" must be a text`);
}

function readLine(line: string, where: string): Omit<Prompt, 'id'> {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (error) {
    throw new UsageError(`${where}: not JSON (${(error as Error).message}); want ${EXAMPLE}`);
  }
  const { prompt, group, reference } = (row ?? {}) as Record<string, unknown>;
  if (typeof prompt !== 'string' || prompt.trim() === '')
    throw new UsageError(`${where}: no "prompt" that is a text; want ${EXAMPLE}`);
  return {
    text: prompt.trim(),
    group: optional(group, 'group', where),
    reference: optional(reference, 'reference', where),
  };
}

/** Each prompt once. @throws UsageError with the line that is wrong */
export async function readPrompts(file: string): Promise<Prompt[]> {
  let content: string;
  try {
    content = withoutMark(await readFile(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`${file}: can’t be read: ${whyUnread(error)}`);
  }
  const plain = /\.(?:txt|text)$/i.test(file);
  const found = new Map<string, Prompt>();
  for (const [at, line] of content.split('\n').entries()) {
    if (line.trim() === '') continue;
    const read = plain
      ? { text: line.trim(), group: null, reference: null }
      : readLine(line, `${file}:${at + 1}`);
    const id = idOf(read.text);
    if (!found.has(id)) found.set(id, { id, ...read });
  }
  if (found.size === 0) throw new UsageError(`${file}: no prompts; want lines like ${EXAMPLE}`);
  return [...found.values()];
}
