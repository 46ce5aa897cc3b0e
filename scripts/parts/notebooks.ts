/** What runs the notebooks in tests: a kernel and nbclient. */
import { join } from 'node:path';
import { CACHE, ensure, findPython, hashHere, ROOT, readText, venv } from './lib.ts';

const REQUIREMENTS = 'scripts/parts/requirements-notebooks.txt';

/** @returns the interpreter. */
export async function setupNotebooks(): Promise<string> {
  const { command, version } = await findPython('The kernel of the notebooks', { from: 10, to: 14 });
  const python = join(CACHE, 'notebooks-venv', 'bin', 'python');
  await ensure('notebooks', hashHere(readText(REQUIREMENTS), version), python, async () => {
    await venv('notebooks-venv', command, ['--no-deps', '-r', join(ROOT, REQUIREMENTS)]);
  });
  return python;
}
