import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CACHE, ensure, findPython, run, setUpUnderWay, withLock } from './lib.ts';

const NAME = `test-${process.pid}`;
const LOCK = join(CACHE, `${NAME}.lock`);
const STAMP = join(CACHE, `${NAME}.stamp`);
const MADE = join(CACHE, `${NAME}.made`);
afterEach(() => {
  for (const file of [LOCK, STAMP, MADE]) rmSync(file, { force: true });
});

test('work under one lock never overlaps', async () => {
  let inside = 0;
  let most = 0;
  const work = () =>
    withLock(NAME, async () => {
      most = Math.max(most, ++inside);
      await sleep(20);
      inside--;
    });
  await Promise.all([work(), work(), work()]);
  assert.equal(most, 1);
  assert.ok(!existsSync(LOCK));
});

test('the lock of a process that was killed is taken over', async () => {
  const holder = spawn('sleep', ['600']);
  writeFileSync(LOCK, String(holder.pid));
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  assert.equal(await withLock(NAME, async () => 'done'), 'done');
});

test('a part is made once, and again when its stamp changes or its file is gone', async () => {
  let made = 0;
  const make = async () => {
    made++;
    writeFileSync(MADE, '');
  };
  const times = async (stamp: string) => {
    await ensure(NAME, stamp, MADE, make);
    return made;
  };
  assert.equal(await times('1'), 1);
  assert.equal(await times('1'), 1);
  assert.equal(await times('2'), 2);
  rmSync(MADE);
  assert.equal(await times('2'), 3);
});

test('a part whose making fails is made again the next time', async () => {
  await assert.rejects(
    ensure(NAME, '1', MADE, () => Promise.reject(new Error('no network'))),
    /no network/,
  );
  await ensure(NAME, '1', MADE, async () => writeFileSync(MADE, ''));
  assert.ok(existsSync(MADE));
});

test('a command that fails says how', async () => {
  await assert.rejects(
    run('counting', 'sh', ['-c', 'echo first; echo reason >&2; exit 3']),
    /counting failed \(exit 3\):[\s\S]*reason/,
  );
  await assert.rejects(run('counting', 'no-such-program', []), /no-such-program is not installed/);
});

test('a command that a signal ended was interrupted, and says that what is there is kept', async () => {
  await assert.rejects(
    run('waiting', 'sh', ['-c', 'echo so far; kill -TERM $$']),
    /waiting was interrupted \(SIGTERM\)\. .* the next run goes on from there\.\nso far$/,
  );
});

test('who ends a set-up learns what it was at', async () => {
  assert.equal(setUpUnderWay(), null);
  let told: string | null = null;
  await ensure(NAME, '1', MADE, async () => {
    const working = run('copying', 'sh', ['-c', 'true']);
    told = setUpUnderWay();
    await working;
    writeFileSync(MADE, '');
  });
  assert.match(
    told!,
    new RegExp(`^interrupted while setting up ${NAME} \\(copying\\)\\. .* goes on from there`),
  );
  assert.equal(setUpUnderWay(), null);
});

test('a Python that is missing is told with what to install', async () => {
  await assert.rejects(
    findPython('The trainer', { from: 97, to: 98 }),
    /The trainer needs Python 3\.97 to 3\.98[\s\S]*apt-get install/,
  );
});
