import type { z } from 'zod';
import { wordingOf } from './wording.ts';

/** One thing wrong with a configuration: where, what, and the nearest right word where there is one. */
export interface Problem {
  /** Path into the file: `policies[0].llms[2].api_base`. */
  readonly path: string;
  readonly message: string;
  /** Further places of the same problem. */
  readonly alsoAt?: readonly string[];
}

/** Everything wrong with a configuration, told at once, so that nobody mends one typo per restart. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];
  readonly file: string;

  constructor(file: string, problems: readonly Problem[]) {
    const lines = problems.map((problem) => `  ${problem.path || '(whole file)'}: ${problem.message}`);
    super(`${file}: ${problems.length} problem${problems.length === 1 ? '' : 's'}\n${lines.join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
    this.file = file;
  }
}

/** `['policies', 0, 'llms']` → `policies[0].llms`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text ? `.${String(step)}` : String(step);
  }
  return text;
}

/** Names of the configuration are no longer, so a longer word is no slip of a finger; and a client may send megabytes. */
const MAX_WORD = 120;

/**
 * Edits between two words; two neighbours in the wrong order are one edit, for that is how people mistype. Three rows, and
 * of each only the cells that can still lead to `most`.
 *
 * @returns any number over `most` when there are more.
 */
function distance(a: string, b: string, most: number): number {
  const far = most + 1;
  if (Math.abs(a.length - b.length) > most) return far;
  let above2: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = new Array<number>(b.length + 1).fill(far);
    if (i <= most) row[0] = i;
    const last = Math.min(b.length, i + most);
    for (let j = Math.max(1, i - most); j <= last; j++) {
      const change = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, above2[j - 2]! + 1);
    }
    above2 = above;
    above = row;
  }
  return above[b.length]!;
}

const fold = (word: string) => word.toLowerCase().replaceAll(/[\s_-]/g, '');

/** The known word that was probably meant, or null when none is near or the word is longer than any name. */
export function nearest(word: string, known: Iterable<string>): string | null {
  if (word.length > MAX_WORD) return null;
  const folded = fold(word);
  let best: string | null = null;
  let allowed = Math.max(1, Math.floor(word.length / 3));
  for (const candidate of known) {
    const d = distance(folded, fold(candidate), allowed);
    if (d > allowed) continue;
    best = candidate;
    if (d === 0) break;
    // The first of equally near ones stays.
    allowed = d - 1;
  }
  return best;
}

/** ` Did you mean 'x'?`, or nothing. */
export function hint(word: string, known: Iterable<string>): string {
  const near = nearest(word, known);
  return near === null ? '' : ` Did you mean '${near}'?`;
}

interface ObjectLike {
  shape?: Record<string, unknown>;
  description?: string;
  element?: unknown;
  def?: { innerType?: unknown };
}

/** What the schema has at a path of the file: its keys, and what it says of the place. */
function nodeAt(
  schema: unknown,
  path: readonly PropertyKey[],
): { keys: string[]; about: string | undefined } {
  let node = schema as ObjectLike | undefined;
  let about: string | undefined;
  const unwrap = () => {
    about = node?.description;
    while (node && !node.shape && !node.element && node.def?.innerType) {
      node = node.def.innerType as ObjectLike;
      about ??= node.description;
    }
  };
  unwrap();
  for (const step of path) {
    node = (typeof step === 'number' ? node?.element : node?.shape?.[String(step)]) as ObjectLike | undefined;
    unwrap();
  }
  return { keys: node?.shape ? Object.keys(node.shape) : [], about };
}

/** Zod's issues in our words. `input` is read for what stood there (never for secrets: only keys and types are told). */
export function problemsOf(error: z.ZodError, schema: unknown): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      const known = nodeAt(schema, issue.path).keys;
      return issue.keys.map((key) => ({
        path: formatPath([...issue.path, key]),
        message: `unknown key.${hint(key, known) || ` Known here: ${known.join(', ')}`}`,
      }));
    }
    return [{ path: formatPath(issue.path), message: wordingOf(issue, nodeAt(schema, issue.path).about) }];
  });
}
