import type { z } from 'zod';
import { hint, nearest } from '../../../process/src/nearest.ts';
import { wordingOf } from './wording.ts';

export { hint, nearest };

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
