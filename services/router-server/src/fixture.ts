/** For tests: a copy of the committed model repository that a test may change. */
import { cp, mkdtemp, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const MODELS = fileURLToPath(new URL('../../../model_repository/', import.meta.url));

export interface RepositoryCopy {
  readonly folder: string;
  /** Puts a whole folder in place by one rename, as a careful writer does. */
  readonly put: (name: string, make: (folder: string) => Promise<void>) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** Models are copied, but for the large encoder, which is linked unless a test wants to change it. */
export async function copyRepository(
  models: readonly string[] = [
    'prompt_tokenizer',
    'prompt_encoder',
    'task_router_head',
    'task_router_ensemble',
  ],
): Promise<RepositoryCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'llm-router-models-'));
  for (const name of models) {
    if (name === 'prompt_encoder') await symlink(join(MODELS, name), join(folder, name));
    else await cp(join(MODELS, name), join(folder, name), { recursive: true });
  }
  return {
    folder,
    put: async (name, make) => {
      const beside = join(folder, `.${name}.new`);
      const old = join(folder, `.${name}.old`);
      await make(beside);
      await rename(join(folder, name), old).catch(() => {});
      await rename(beside, join(folder, name));
      await rm(old, { recursive: true, force: true });
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
