/** Reads labelled prompts: JSON lines of `{"prompt", "task" | "complexity" | "intent" | "label"}`. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { hint } from '../../services/router-controller/src/config/problems.ts';

export interface Row {
  readonly prompt: string;
  readonly label: string;
}

/** A file that can't be used; the message is for the user. */
export class BadRows extends Error {}

/** What else names the text. */
const PROMPT_KEYS = ['prompt', 'text'] as const;
const LABEL_KEYS = ['task', 'complexity', 'intent', 'label'] as const;

/** The policy's own key first: a row may carry labels for several. */
function labelKeys(policy: string): string[] {
  return [...new Set([policy.replace(/_router$/, ''), policy, 'label'])];
}

function readRow(
  line: string,
  keys: readonly string[],
  where: string,
): { prompt: string; label: string | null } {
  let item: unknown;
  try {
    item = JSON.parse(line);
  } catch (error) {
    throw new BadRows(
      `${where}: not JSON (${(error as Error).message}); want {"prompt": "…", "${keys[0]}": "…"}`,
    );
  }
  if (item === null || typeof item !== 'object' || Array.isArray(item))
    throw new BadRows(`${where}: want an object {"prompt": "…", "${keys[0]}": "…"}`);
  const fields = item as Record<string, unknown>;
  const promptKey = PROMPT_KEYS.find((key) => key in fields);
  const prompt = promptKey && fields[promptKey];
  if (typeof prompt !== 'string') throw new BadRows(`${where}: no "prompt" that is a string`);
  const own = keys.find((key) => key in fields);
  // A policy of another name takes the one label that a row has.
  const others = LABEL_KEYS.filter((key) => typeof fields[key] === 'string');
  const label = own !== undefined ? fields[own] : others.length === 1 ? fields[others[0]!] : undefined;
  if (label === undefined) {
    const found = Object.keys(fields).join(', ');
    throw new BadRows(
      `${where}: no label under ${keys.map((key) => `"${key}"`).join(' or ')}; the row has: ${found}`,
    );
  }
  if (label !== null && typeof label !== 'string')
    throw new BadRows(`${where}: the label must be a string or null`);
  return { prompt, label };
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
      reject(new BadRows(`${file}: can’t be read (${error.code})`)),
    );
  });
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    const text = number === 1 ? line.replace(/^\uFEFF/, '') : line;
    if (text.trim() === '') continue;
    const where = `${file}:${number}`;
    const { prompt, label } = readRow(text, keys, where);
    if (label === null) continue;
    if (!labels.includes(label)) {
      throw new BadRows(
        `${where}: '${label}' is no label of the model.${hint(label, labels)} Labels: ${labels.join(', ')}`,
      );
    }
    yield { prompt, label };
  }
}
