/** A box for real: what is inside stays inside, and nothing stays at all, however it ends. Needs root. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { startBox } from '../engine/box.ts';
import { RECORD, sweep } from '../engine/keeping.ts';
import { changesSince, leftOf, machineState } from './machine-state.ts';
import { isAlive, until } from './processes.ts';

const OWNER = join(import.meta.dirname, 'fixtures', 'box-owner.ts');

/** What programs in a box might do to a machine. */
const MISCHIEF = `
set -e
ip link add br7 type bridge && ip addr add 198.18.7.1/24 dev br7 && ip link set br7 up
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 9 > /proc/sys/kernel/panic
mkdir -p /sys/fs/cgroup/memory/deep/deeper 2>&- || mkdir -p /sys/fs/cgroup/deep/deeper
mkdir /run/docker && mount -t tmpfs tmpfs /run/docker && ip netns add inner
hostname inside-of-a-box
setsid sleep 611 >&- 2>&- &
if echo 1 > /proc/sys/kernel/sysrq; then echo changed the machine; fi
cat /proc/net/dev | grep -c : `;

test('what is done in a box is done to nothing else, and nothing of it stays', async () => {
  const before = machineState();
  const box = await startBox({ name: 'test', network: 'own' });
  const name = basename(box.folder);
  try {
    const told = await box.run('mischief', 'sh', ['-c', MISCHIEF]);
    assert.doesNotMatch(told, /changed the machine/);
    assert.ok(existsSync(box.folder));
    assert.ok(leftOf(name).length > 1, 'it has a folder and control groups');
    assert.deepEqual(changesSince(before), [], 'while it is there');
    assert.match(await box.run('processes', 'ps', ['-e', '-o', 'args']), /sleep 611/);
    assert.doesNotMatch(readFileSync('/etc/hostname', 'utf8'), /inside/);
  } finally {
    await box.stop();
  }
  await box.stop();
  assert.deepEqual(changesSince(before), []);
  assert.deepEqual(leftOf(name), []);
  assert.equal(isAlive(box.pid), false);
});

test('nobody gets out of it, and nobody in', async () => {
  const outside = createServer((socket) => socket.end('outside'));
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
  const { port } = outside.address() as { port: number };
  const box = await startBox({ name: 'test', network: 'own' });
  try {
    const code = (to: number) =>
      `require('net').connect(${to}, '127.0.0.1').on('error', (e) => console.log(e.code)).on('data', (d) => console.log(String(d)))`;
    const ask = (to: number) => box.run('asking', process.execPath, ['-e', code(to)]);
    assert.match(await ask(port), /ECONNREFUSED/);
    assert.equal((await box.run('routes', 'ip', ['route'])).trim(), '');
    const server = box.spawn(
      process.execPath,
      [
        '-e',
        "require('net').createServer((s) => s.end('inside')).listen(18081, '127.0.0.1', () => console.log('up'))",
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(server.stdout!, 'data');
    assert.match(await ask(18081), /inside/);
    const refused = spawn(process.execPath, ['-e', code(18081)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await once(refused.stdout, 'data');
    assert.match(String(said), /ECONNREFUSED/);
  } finally {
    await box.stop();
    outside.close();
  }
});

test('a folder that the machine has not is each box’s own, and what lies beside it stays in sight', async () => {
  const hidden = '/var/lib/llm-router-box-test';
  const boxes = await Promise.all(
    ['one', 'two'].map((name) => startBox({ name, network: 'own', hide: [hidden] })),
  );
  try {
    for (const [index, box] of boxes.entries())
      await box.run('a mark', 'sh', ['-c', `echo ${index} > ${hidden}/mark`]);
    for (const [index, box] of boxes.entries())
      assert.equal((await box.run('the mark', 'cat', [`${hidden}/mark`])).trim(), String(index));
    assert.equal(existsSync(hidden), false);
    const inside = await boxes[0]!.run('beside it', 'ls', ['/var/lib']);
    const beside = readdirSync('/var/lib').filter((name) => !name.startsWith('.'));
    assert.deepEqual(inside.trim().split('\n').sort(), [...beside, basename(hidden)].sort());
  } finally {
    await Promise.all(boxes.map((box) => box.stop()));
  }
  assert.equal(existsSync(hidden), false);
});

test('a signal reaches the program inside, and its exit code comes out', async () => {
  const box = await startBox({ name: 'test', network: 'own' });
  try {
    const child = box.spawn('sh', ['-c', "trap 'exit 7' TERM; echo up; while :; do sleep 0.1; done"], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout!, 'data');
    box.signal(child, 'SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [7, null]);
    await assert.rejects(box.run('a failure', 'sh', ['-c', 'echo why >&2; exit 3']), /exit 3\):\nwhy/);
  } finally {
    await box.stop();
  }
});

/** Starts a process that owns a box. */
async function owner(): Promise<{ child: ChildProcess; folder: string; pid: number }> {
  const child = spawn(process.execPath, [OWNER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { child, ...(JSON.parse(String(line)) as { folder: string; pid: number }) };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
  test(`when its owner gets ${signal}, it goes too`, async () => {
    const before = machineState();
    const { child, folder, pid } = await owner();
    child.kill(signal);
    await until(
      () => leftOf(basename(folder)).length === 0,
      () => `left: ${leftOf(basename(folder))}`,
    );
    assert.equal(isAlive(pid), false);
    assert.deepEqual(changesSince(before), []);
  });
}

test('when its keeper is killed, all in it ends; the next start clears up', async () => {
  const { child, folder, pid } = await owner();
  try {
    const { pid: keeper } = JSON.parse(readFileSync(join(folder, RECORD), 'utf8')) as { pid: number };
    process.kill(keeper, 'SIGKILL');
    await until(
      () => !isAlive(pid) && !isAlive(keeper),
      () => 'its first process lives on',
    );
    assert.ok(leftOf(basename(folder)).length > 0);
    await sweep();
    assert.deepEqual(leftOf(basename(folder)), []);
  } finally {
    child.kill('SIGKILL');
  }
});
