import { readFileSync } from 'node:fs';
import { whyUnread } from '../../../process/src/unread.ts';
import type { Problem } from './problems.ts';
import { formatPath } from './problems.ts';

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/**
 * The process' environment for checks of a file's shape, which need no secrets: a variable that is not set and has no default
 * stands for itself, and so does a file that is not there.
 */
export const anyEnv: Readonly<Record<string, string | undefined>> = new Proxy<
  Record<string, string | undefined>
>({}, { get: (_target, name) => process.env[String(name)] });

/** Long enough for what has a least length. */
const placeholder = (name: string) => `\${${name}}`.padEnd(32, '.');

/**
 * Replaces `${VAR}`, `${VAR:-default}` and `file:PATH` (whole value) in every string of a parsed document.
 * It works on values after parsing: v1 replaced in the raw text, where a value could break or inject YAML.
 *
 * @returns the document, the files it names, a problem for each variable that is not set and each file that can't be
 * read; with {@link anyEnv} no such problems, but the paths of values that are such a variable or file, and nothing else.
 */
export function substitute(
  document: unknown,
  env: Readonly<Record<string, string | undefined>>,
): {
  value: unknown;
  files: readonly string[];
  problems: Problem[];
  placeholders: ReadonlySet<string>;
  /** Paths of values that are not written in the file, or not wholly. */
  outside: ReadonlySet<string>;
} {
  const problems: Problem[] = [];
  const files = new Set<string>();
  const placeholders = new Set<string>();
  const outside = new Set<string>();
  /** Paths by variable: one line a variable, however often the file names it. */
  const unset = new Map<string, string[]>();

  const replace = (text: string, path: readonly PropertyKey[]): string => {
    if (text.startsWith('file:')) {
      const file = text.slice('file:'.length);
      files.add(file);
      outside.add(formatPath(path));
      try {
        return readFileSync(file, 'utf8').trimEnd();
      } catch (error) {
        if (env === anyEnv) {
          placeholders.add(formatPath(path));
          return text;
        }
        problems.push({
          path: formatPath(path),
          message: `the file it names, ${file}, can’t be read: ${whyUnread(error)}`,
        });
        return '';
      }
    }
    return text.replaceAll(VARIABLE, (written, name: string, fallback: string | undefined) => {
      const value = env[name];
      if (value !== undefined && value !== '') {
        outside.add(formatPath(path));
        return value;
      }
      if (fallback !== undefined) return fallback;
      if (env === anyEnv) {
        if (written === text) placeholders.add(formatPath(path));
        return placeholder(name);
      }
      unset.set(name, [...(unset.get(name) ?? []), formatPath(path)]);
      return '';
    });
  };

  const walk = (node: unknown, path: readonly PropertyKey[]): unknown => {
    if (typeof node === 'string') return replace(node, path);
    if (Array.isArray(node)) return node.map((item, index) => walk(item, [...path, index]));
    if (node !== null && typeof node === 'object') {
      return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item, [...path, key])]));
    }
    return node;
  };

  const value = walk(document, []);
  for (const [name, [first, ...others]] of unset) {
    const more = others.length > 0 ? ` (and at ${others.length} more places)` : '';
    problems.push({
      path: first!,
      message: `environment variable ${name} is not set${more}; set it, or write \${${name}:-default}`,
      alsoAt: others,
    });
  }
  return { value, files: [...files], problems, placeholders, outside };
}
