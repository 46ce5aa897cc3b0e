/**
 * The process that keeps a box: makes it, and removes it when the box's owner says so or is gone, however it went. Started
 * by box.ts alone. Standard input is the leash; standard output says `ready PID`, or nothing.
 */
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeGroups, removeGroups } from './cgroups.ts';
import { joined, type Keeping, RECORD, startTime } from './keeping.ts';

const { folder, name, network, hide } = JSON.parse(process.argv[2]!) as Keeping;

const groups = makeGroups(name);
writeFileSync(
  join(folder, RECORD),
  JSON.stringify({ pid: process.pid, started: startTime(process.pid), groups }),
);

const namespaces = ['mount', 'pid', 'ipc', 'uts', 'cgroup', ...(network === 'own' ? ['net'] : [])];
const child = spawn(
  ...joined(groups, [
    'unshare',
    ...namespaces.map((each) => `--${each}`),
    '--fork',
    '--kill-child=KILL',
    '--propagation=private',
    'sh',
    join(import.meta.dirname, 'box.sh'),
    folder,
    network,
    ...hide,
  ]),
  { stdio: ['ignore', 'pipe', 'inherit'] },
);

let first: number | null = null;
createInterface({ input: child.stdout }).on('line', (line) => {
  first ??= Number(/^ready (\d+)$/.exec(line)?.[1]) || null;
  console.log(line);
});

const end = () => {
  try {
    // The kernel ends every process of the box with its first one.
    if (first !== null) process.kill(first, 'SIGKILL');
    else child.kill('SIGKILL');
  } catch {
    // It has ended already.
  }
};
process.stdin.on('end', end).on('error', end).resume();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end);

const code = await new Promise<number>((resolve) => {
  child.once('error', () => resolve(1));
  child.once('exit', (status) => resolve(status ?? 0));
});
await removeGroups(groups);
rmSync(folder, { recursive: true, force: true });
process.exit(first === null ? code || 1 : 0);
