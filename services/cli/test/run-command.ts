/** Runs the command as a user's shell would, for tests. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { programOf } from '../../bundler/src/program.ts';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * @param input standard input.
 * @param env beside PATH, HOME and where compiled sources are kept (as enter.mjs does), which is all that the command sees of
 * this process's.
 */
export function runCommand(
  args: readonly string[],
  {
    input = '',
    env = {},
    cwd,
  }: { input?: string; env?: Readonly<Record<string, string>>; cwd?: string } = {},
): Promise<Ended> {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [programOf(join(import.meta.dirname, '../src/main.ts')), ...args], {
    env: { PATH, HOME, ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }), ...env },
    stdio: 'pipe',
    ...(cwd && { cwd }),
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  child.stdin.on('error', () => {}).end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}
