import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { YAMLException } from 'js-yaml';
import { whyUnread } from '../../../process/src/unread.ts';
import { compile, type Overrides } from './compile.ts';
import { secretsIn } from './known-secrets.ts';
import { fillIn } from './placeholders.ts';
import { ConfigError, type Problem, problemsOf } from './problems.ts';
import { configSchema, READ_ONCE } from './schema.ts';
import { substitute } from './secrets.ts';
import type { RouterConfig } from './types.ts';
import { readYaml } from './yaml.ts';

export interface LoadOptions {
  /** Where `${VAR}` comes from; default: the process environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly overrides?: Overrides;
}

function parse(text: string, path: string): unknown {
  try {
    return readYaml(text, path);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const line = (error.mark?.line ?? 0) + 1;
    const column = (error.mark?.column ?? 0) + 1;
    throw new ConfigError(path, [
      { path: `line ${line}, column ${column}`, message: `not YAML: ${error.reason}` },
    ]);
  }
}

/**
 * Reads a configuration from text: YAML → secrets → schema → table.
 *
 * @throws ConfigError naming every problem with its path.
 */
export function parseConfig(text: string, path: string, options: LoadOptions = {}): RouterConfig {
  const document = parse(text, path);
  if (document === null || typeof document !== 'object' || Array.isArray(document)) {
    throw new ConfigError(path, [
      { path: '', message: 'must be a mapping with at least the key `policies`' },
    ]);
  }
  // Stand-ins need no keys, so an unset NVIDIA_API_KEY must not stop them.
  const env = options.env ?? process.env;
  const { value, files, problems: secretProblems, placeholders, outside } = substitute(document, env);
  const ignoreSecrets = options.overrides?.standInUrl !== undefined;
  const places = ({ path: first, alsoAt = [] }: Problem) => [first, ...alsoAt];
  const keyless = ignoreSecrets
    ? secretProblems.filter((problem) => !places(problem).every((place) => place.endsWith('.api_key')))
    : secretProblems;
  // What is unset has become '', which would be refused once more.
  const seen = new Set(keyless.flatMap(places));
  const known = fillIn(value, placeholders);
  const parsed = configSchema.safeParse(ignoreSecrets ? dropEmptyKeys(known) : known, READ_ONCE);
  if (!parsed.success) {
    const others = problemsOf(parsed.error, configSchema).filter((problem) => !seen.has(problem.path));
    throw new ConfigError(path, [...keyless, ...others]);
  }
  const { table, problems } = compile(parsed.data, options.overrides);
  const open = problems.filter((problem) => !seen.has(problem.path) && !placeholders.has(problem.path));
  const all = [...keyless, ...open];
  if (all.length > 0) throw new ConfigError(path, all);
  return {
    file: parsed.data,
    table,
    path,
    version: sha256(text).slice(0, 12),
    contentHash: sha256(JSON.stringify(value)),
    secretFiles: files,
    secrets: secretsIn(value, outside),
  };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** An api_key whose variable is unset has become '', which would be refused; stand-ins don't use it. */
function dropEmptyKeys(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(dropEmptyKeys);
  if (node === null || typeof node !== 'object') return node;
  const kept = Object.entries(node).filter(([key, value]) => !(key === 'api_key' && value === ''));
  return Object.fromEntries(kept.map(([key, value]) => [key, dropEmptyKeys(value)]));
}

/** Reads a configuration file. Throws {@link ConfigError}, also when the file can't be read. */
export async function loadConfig(path: string, options: LoadOptions = {}): Promise<RouterConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigError(path, [{ path: '', message: `can’t be read: ${whyUnread(error)}` }]);
  }
  return parseConfig(text, path, options);
}
