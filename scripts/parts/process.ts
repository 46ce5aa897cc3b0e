/** What starting any server as a child process has in common. */
import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './debian.ts';

/**
 * Below the ports that the kernel gives away by itself (32768 and up; a Redis cluster's second port, 10,000 higher, too), and above
 * the kubelet's: any process's outgoing connection may take one of those, before it is used and while its server is restarted.
 */
const PORTS = { from: 12_000, to: 22_000 };

/** Given away by this process: a server that needs three must not get one of them twice, and none listens yet. */
const given = new Set<number>();

/** A port of 127.0.0.1 that is free just now, and that nobody is given who did not ask for it by name. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (given.has(port)) continue;
    const server = createServer();
    const listens = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!listens) continue;
    await new Promise((resolve) => server.close(resolve));
    given.add(port);
    return port;
  }
  throw new Error(`no free port found from ${PORTS.from} to ${PORTS.to}`);
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
