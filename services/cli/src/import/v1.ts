/**
 * NVIDIA's blueprint v1: its file loads here unchanged; this gives it the form of today, with each upstream named once.
 */
import { dump } from 'js-yaml';
import { CommandError } from '../lib/errors.ts';
import { isObject } from '../lib/is-object.ts';
import { nameFrom, variableFor, yamlOf } from './imported.ts';

interface Entry {
  readonly name?: unknown;
  readonly api_base?: unknown;
  readonly api_key?: unknown;
  readonly model?: unknown;
}

interface Policy {
  readonly name?: unknown;
  readonly url?: unknown;
  readonly llms?: readonly Entry[];
}

export interface Converted {
  readonly text: string;
  readonly notes: readonly string[];
}

/** A reference stays; a key that stands in the file is not copied. */
const isReference = (value: unknown): boolean =>
  typeof value === 'string' && /^(?:\$\{.+\}|file:.+)$/.test(value);

/** @throws CommandError when it is no such file */
export function fromV1(source: string, file: string): Converted {
  const document = yamlOf(source, file) as { policies?: readonly Policy[] } | null;
  const hasEntries = (policy: unknown) =>
    isObject(policy) && Array.isArray(policy.llms) && policy.llms.every(isObject);
  if (!Array.isArray(document?.policies) || !document.policies.every(hasEntries))
    throw new CommandError(`${file}: want v1's \`policies\`, each with its \`llms\``);
  const notes: string[] = [];
  const names = new Map<string, string>();
  const targets: Record<string, unknown>[] = [];
  const targetFor = ({ api_base, api_key, model }: Entry): string => {
    const id = JSON.stringify([api_base, api_key, model]);
    const known = names.get(id);
    if (known) return known;
    const name = nameFrom(String(model).split('/').at(-1)!, new Set(names.values()));
    names.set(id, name);
    const variable = variableFor(name);
    const key =
      api_key === undefined || api_key === null ? null : isReference(api_key) ? api_key : `\${${variable}}`;
    if (key !== null && key !== api_key)
      notes.push(`target ${name}: a key stands in the file; it is not copied, set ${variable} to it`);
    targets.push({ name, api_base, ...(key !== null && { api_key: key }), model });
    return name;
  };
  const policies = document.policies.map(({ name, url, llms }: Policy) => ({
    name: String(name).trim(),
    url,
    llms: llms!.map((entry) => ({ name: String(entry.name).trim(), target: targetFor(entry) })),
  }));
  const head = '# Written by `llm-router import v1`: what was there, each upstream named once.\n';
  return { text: head + dump({ targets, policies }, { lineWidth: 120, flowLevel: 4, noRefs: true }), notes };
}
