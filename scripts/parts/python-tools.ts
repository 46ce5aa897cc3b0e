/** Python tools that tests use as a user would: the official openai client. */
import { join } from 'node:path';
import { CACHE, ensure, findPython, hashHere, ROOT, readText, venv } from './lib.ts';

const REQUIREMENTS = 'scripts/parts/requirements-tests.txt';

/** @returns the interpreter. */
export async function setupPythonTools(): Promise<string> {
  const { command, version } = await findPython('The openai client of the tests', { from: 10, to: 14 });
  const python = join(CACHE, 'python-tools', 'bin', 'python');
  await ensure('python-tools', hashHere(readText(REQUIREMENTS), version), python, async () => {
    await venv('python-tools', command, ['-r', join(ROOT, REQUIREMENTS)]);
  });
  return python;
}
