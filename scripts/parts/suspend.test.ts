import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { suspend } from './suspend.ts';

/** A shell and a child of its own, both busy, in a group of their own. */
async function busyGroup() {
  const shell = spawn('sh', ['-c', 'while :; do :; done & echo $!; while :; do :; done'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [told] = (await once(shell.stdout, 'data')) as [Buffer];
  return { shell, pids: [shell.pid!, Number(String(told))] };
}

/** Ticks that a process has computed. */
function computed(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1)!.trim().split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

test('a group that stands still computes nothing any more, and goes on when it is let', async () => {
  const { shell, pids } = await busyGroup();
  try {
    await suspend(-shell.pid!);
    const then = pids.map(computed);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(pids.map(computed), then);
    process.kill(-shell.pid!, 'SIGCONT');
    while (pids.some((pid, at) => computed(pid) === then[at]))
      await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    process.kill(-shell.pid!, 'SIGKILL');
  }
});

test('one process stands still, its child does not', async () => {
  const { shell, pids } = await busyGroup();
  try {
    await suspend(shell.pid!);
    const then = pids.map(computed);
    while (computed(pids[1]!) === then[1]) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(computed(pids[0]!), then[0]);
  } finally {
    process.kill(-shell.pid!, 'SIGKILL');
  }
});

test('a process that is gone is told as such', async () => {
  const child = spawn('true');
  await once(child, 'exit');
  await assert.rejects(suspend(child.pid!), /ESRCH/);
});
