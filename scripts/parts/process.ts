/** What starting any server as a child process has in common. */
import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './debian.ts';

/** A port that is free just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A command that the kernel ends with this process: a parent that is killed can't stop its children. */
export function leashed(program: string, args: readonly string[]): readonly [string, readonly string[]] {
  const leash = findProgram('setpriv');
  return leash ? [leash, ['--pdeathsig', 'KILL', '--', program, ...args]] : [program, args];
}

const STOP_MS = 15_000;

/** SIGTERM, and SIGKILL if it does not go. */
export async function endProcess(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  await Promise.race([exited, sleep(STOP_MS, undefined, { ref: false })]);
  child.kill('SIGKILL');
  await exited;
}

/**
 * Waits until a server answers.
 *
 * @param has whether it does, asked again and again.
 * @throws Error when it ended, took too long, or is not wanted any more; what it has written stands in it.
 */
export async function untilReady(
  what: string,
  child: ChildProcess,
  has: () => Promise<boolean>,
  options: { ms: number; said: () => string; signal?: AbortSignal | undefined },
): Promise<void> {
  for (const until = Date.now() + options.ms; !(await has()); await sleep(50)) {
    if (options.signal?.aborted) throw new Error(`${what} was told to stop before it was ready`);
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > until)
      throw new Error(`${what} did not become ready:\n${options.said()}`);
  }
}
