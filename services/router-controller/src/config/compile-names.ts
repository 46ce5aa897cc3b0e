/** Names that clients may send as `model`: none may hide another. */
import { AUTO, isAuto } from './auto.ts';
import { hint } from './problems.ts';
import type { ConfigFile } from './schema.ts';
import type { Target } from './types.ts';

type FilePolicy = ConfigFile['policies'][number];
type FileEntry = NonNullable<FilePolicy['llms']>[number];

interface Compiling {
  readonly file: ConfigFile;
  readonly targets: ReadonlyMap<string, Target>;
  problem(path: readonly PropertyKey[], message: string): void;
}

/** A policy named as something else would hide it. */
export function checkPolicyName(
  { name }: FilePolicy,
  path: readonly PropertyKey[],
  compiling: Compiling,
): void {
  const { file, targets } = compiling;
  const problem = (where: readonly PropertyKey[], message: string) => compiling.problem(where, message);
  const at = [...path, 'name'];
  // A policy may be called `auto`: then the word is its own.
  if (isAuto(name) && name !== AUTO) problem(at, `'${name}' is the model name of the default policy`);
  const wanted = file.default_policy?.trim();
  const byDefault = file.policies.find((policy) => policy.name === wanted);
  const entries = byDefault?.llms ?? byDefault?.targets?.map((target) => ({ name: target, target })) ?? [];
  for (const entry of entries as Partial<FileEntry>[]) {
    const named = [entry.target, ...(entry.targets ?? []).map(({ target }) => target)];
    const models = [entry.model, ...named.map((target) => targets.get(target ?? '')?.model)];
    if (entry.name === name || models.includes(name)) {
      const what = entry.name === name ? 'an entry' : 'a model';
      problem(at, `'${name}' is also ${what} of the default policy, which could not be named any more`);
      return;
    }
  }
}

/** Aliases in lower case, and the policy of each. */
export function compileAliases(compiling: Compiling): Map<string, string> {
  const { file } = compiling;
  const problem = (where: readonly PropertyKey[], message: string) => compiling.problem(where, message);
  const policies = file.policies.map(({ name }) => name);
  const aliases = new Map<string, string>();
  for (const [alias, policy] of Object.entries(file.aliases)) {
    const path = ['aliases', alias];
    const lower = alias.toLowerCase();
    if (isAuto(alias)) problem(path, `'${alias}' is the model name of the default policy`);
    else if (policies.some((name) => name.toLowerCase() === lower))
      problem(path, `'${alias}' is a policy's name`);
    else if (aliases.has(lower)) problem(path, `'${alias}' stands twice, but for its case`);
    if (!policies.includes(policy)) {
      const near = hint(policy, policies) || ` Policies: ${policies.join(', ')}`;
      problem(path, `no policy '${policy}'.${near}`);
    }
    aliases.set(lower, policy);
  }
  return aliases;
}
