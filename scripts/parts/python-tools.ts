/** Python tools that tests use as a user would: the official openai client. */
import { join } from 'node:path';
import { CACHE, ensure, hashOf, ROOT, readText, venv } from './lib.ts';

const REQUIREMENTS = 'scripts/parts/requirements-tests.txt';

/** @returns the interpreter. */
export async function setupPythonTools(): Promise<string> {
  await ensure('python-tools', hashOf(readText(REQUIREMENTS)), async () => {
    await venv('python-tools', ['-r', join(ROOT, REQUIREMENTS)]);
  });
  return join(CACHE, 'python-tools', 'bin', 'python');
}
