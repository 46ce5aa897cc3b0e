/** Programs in a box: servers that log to a file, and short commands whose output is wanted. */
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Box } from '../engine/box.ts';

/** Lines of a program's log that are shown when it ends too early. */
const SHOWN = 25;

export interface Server {
  readonly name: string;
  readonly child: ChildProcess;
  /** The end of its log. */
  readonly said: () => string;
}

const logFile = (box: Box, name: string) => join(box.folder, 'log', `${name}.log`);

/** Starts a server that ends with its box. */
export function startServer(
  box: Box,
  name: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Server {
  mkdirSync(join(box.folder, 'log'), { recursive: true });
  const log = openSync(logFile(box, name), 'a');
  const child = box.spawn(command, args, {
    cwd: box.folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const said = () => readFileSync(logFile(box, name), 'utf8').trimEnd().split('\n').slice(-SHOWN).join('\n');
  return { name, child, said };
}

export interface Told {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a short command to its end, whatever its exit code. @param input what it reads. */
export async function tell(
  box: Box,
  command: string,
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Told> {
  const child = box.spawn(command, args, {
    cwd: box.folder,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const told = { stdout: '', stderr: '' };
  child.stdout!.on('data', (chunk) => {
    told.stdout += chunk;
  });
  child.stderr!.on('data', (chunk) => {
    told.stderr += chunk;
  });
  child.stdin!.on('error', () => {}).end(input);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
  return { code, ...told };
}

/** Runs one to its end. @returns what it wrote. @throws Error with what it said. */
export async function ask(
  box: Box,
  command: string,
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const { code, stdout, stderr } = await tell(box, command, args, options);
  if (code === 0) return stdout;
  const words = `${command.split('/').at(-1)} ${args.join(' ')}`;
  throw new Error(`${words.slice(0, 300)} (exit ${code}): ${`${stdout}\n${stderr}`.trim().slice(-4_000)}`);
}

/** Waits until something holds. @throws Error when it took too long, or one of the servers that it needs has ended. */
export async function untilHolds(
  what: string,
  holds: () => Promise<boolean>,
  { ms, servers = [] }: { ms: number; servers?: readonly Server[] },
): Promise<void> {
  for (const end = Date.now() + ms; !(await holds()); await sleep(200)) {
    const gone = servers.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
    if (gone) throw new Error(`${gone.name} has ended:\n${gone.said()}`);
    if (Date.now() > end)
      throw new Error(
        `${what}: not after ${ms / 1000} s\n${servers.map(({ name, said }) => `${name}:\n${said()}`).join('\n')}`,
      );
  }
}
