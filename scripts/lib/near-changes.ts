/** For those who are at work: the tests near what they changed, and tests that run again by themselves. */
import { execFileSync, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { forward } from '../../services/cli/src/processes/forward.ts';
import { ROOT } from '../parts/lib.ts';
import type { Suite } from './suites.ts';

const git = (...args: readonly string[]): string[] => {
  try {
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    // No main in this clone, or no git.
    return [];
  }
};

/** Files that differ from main, committed or not. */
export const changedFiles = (): string[] => [
  ...new Set([
    ...git('diff', '--name-only', 'main...HEAD'),
    ...git('diff', '--name-only', 'HEAD'),
    ...git('ls-files', '--others', '--exclude-standard'),
  ]),
];

/** Checks of the whole code, and the tests that lie in the folder of a changed file. */
export function nearChanges(suites: readonly Suite[], changed: readonly string[] = changedFiles()): Suite[] {
  const folders = new Set(changed.map((file) => dirname(file)));
  return suites.filter(({ name, read }) => read === 'exit' || folders.has(dirname(name)));
}

/** Node's own watcher over tests beside the code. @returns its exit code. */
export async function watchTests(suites: readonly Suite[]): Promise<number> {
  const files = suites.filter(({ read }) => read === 'node').map(({ name }) => name);
  const child = spawn(process.execPath, ['--test', '--watch', '--test-reporter=dot', ...files], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  return forward(child);
}
