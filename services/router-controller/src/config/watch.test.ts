/** When a changed file is read: whole, and whatever else happens in its folder. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { eventually } from '../../test/harness.ts';
import { type WatchOptions, watchFiles } from './watch.ts';

const NEVER = 600_000;
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

const WHOLE = 'server: {}\nauth: { keys: [a, b] }\n';
async function watched(options: Partial<WatchOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-watch-'));
  const path = join(folder, 'router.yaml');
  writeFileSync(path, WHOLE);
  const taken: string[] = [];
  const differs: (number | null)[] = [];
  const stop = await watchFiles({
    path,
    also: () => [],
    pollMs: NEVER,
    settleMs: 20,
    cutSettleMs: NEVER,
    latestMs: NEVER,
    onChange: async () => {
      taken.push(readFileSync(path, 'utf8'));
      return true;
    },
    onDiffers: (since) => differs.push(since),
    ...options,
  });
  ends.push(() => rmSync(folder, { recursive: true, force: true }), stop);
  const put = (text: string) => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  return { folder, path, taken, differs, put };
}
const every = (ms: number, run: () => void) => {
  const timer = setInterval(run, ms);
  ends.push(() => clearInterval(timer));
};
const NEXT = `${WHOLE}limits: []\n`;

test('a folder in which something is written all the time does not put a change off', async () => {
  const { folder, path, taken } = await watched({ settleMs: 100 });
  every(5, () => writeFileSync(join(folder, 'decisions.jsonl'), `${Math.random()}`));
  // Events of the file itself that change nothing don't either.
  every(7, () => writeFileSync(path, NEXT));
  await eventually('the change is taken', () => taken.length > 0);
  assert.equal(taken[0], NEXT);
});

test('what the kernel does not tell of is found by looking, while others are told of', async () => {
  const { folder, taken, put } = await watched({ pollMs: 50 });
  const real = join(folder, 'real');
  writeFileSync(real, NEXT);
  every(5, () => writeFileSync(join(folder, 'other'), `${Math.random()}`));
  symlinkSync(real, join(folder, 'link'));
  put(NEXT);
  await eventually('the change is taken', () => taken.length > 0);
});

test('half a file is not taken, however long it stands there, and the whole one is', async () => {
  for (const half of [WHOLE.slice(0, 11), WHOLE.slice(0, -1), '', `${NEXT}${NEXT}`.slice(0, -1)]) {
    const { path, taken, differs } = await watched();
    writeFileSync(path, half);
    await eventually('the half is seen', () => differs.length > 0);
    // Many looks' time.
    for (let n = 0; n < 10; n++) {
      writeFileSync(join(path, '..', 'router.yaml.swp'), `${n}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    assert.deepEqual(taken, [], JSON.stringify(half));
    writeFileSync(path, NEXT);
    await eventually('the whole file is taken', () => taken.length > 0);
    assert.deepEqual(taken, [NEXT]);
  }
});

test('a file that stays shorter is meant so, after a longer while', async () => {
  const { path, taken } = await watched({ cutSettleMs: 60 });
  writeFileSync(path, 'server: {}\n');
  await eventually('it is taken', () => taken.length > 0);
  assert.deepEqual(taken, ['server: {}\n']);
});

test('a file that changes while it is read is not taken for what it was', async () => {
  let path = '';
  const rested: boolean[] = [];
  const scene = await watched({
    onChange: async (rests) => {
      if (rested.length === 0) writeFileSync(path, `${NEXT}# more\n`);
      rested.push(await rests());
      return rested.at(-1)!;
    },
  });
  path = scene.path;
  scene.put(NEXT);
  await eventually('it rests', () => rested.includes(true));
  assert.deepEqual(rested, [false, true]);
});

test('one that is written anew while it is read, and comes out the same, is read again', async () => {
  let path = '';
  const rested: boolean[] = [];
  const scene = await watched({
    onChange: async (rests) => {
      // Cut, as a writer leaves it for a moment, and whole again when it has been looked at.
      if (rested.length === 0) writeFileSync(path, NEXT.slice(0, 20));
      rested.push(await rests());
      writeFileSync(path, NEXT);
      return rested.at(-1)!;
    },
  });
  path = scene.path;
  scene.put(NEXT);
  await eventually('it is taken', () => rested.includes(true));
  assert.deepEqual(rested, [false, true]);
});

test('a file that never rests is read after a while all the same', async () => {
  const { taken, put } = await watched({ settleMs: 60_000, latestMs: 200 });
  let n = 0;
  every(5, () => put(`${NEXT}# ${n++}\n`));
  await eventually('it is taken', () => taken.length > 0);
});

test('since when the file differs is told, also of one that is refused, until it no longer does', async () => {
  let applied = false;
  const { differs, put } = await watched({ onChange: async () => applied });
  const before = Date.now() / 1000;
  put(NEXT);
  await eventually('it differs', () => differs.length === 1);
  assert.ok(differs[0]! >= before - 1 && differs[0]! <= Date.now() / 1000 + 1);
  put(WHOLE);
  await eventually('it is as before', () => differs.length === 2);
  assert.equal(differs[1], null);
  applied = true;
  put(NEXT);
  await eventually('it is in force', () => differs.length === 4);
  assert.deepEqual([typeof differs[2], differs[3]], ['number', null]);
});

test('a secret that changes while the configuration that names it is taken is read again', async () => {
  const secrets: string[] = [];
  let secret = '';
  const read: string[] = [];
  const { folder, put } = await watched({
    also: () => secrets,
    onChange: async () => {
      read.push(readFileSync(secret, 'utf8'));
      secrets.splice(0, 1, secret);
      if (read.length === 1) writeFileSync(secret, 'two\n');
      return true;
    },
  });
  const elsewhere = mkdtempSync(join(tmpdir(), 'llm-router-secret-'));
  ends.push(() => rmSync(elsewhere, { recursive: true, force: true }));
  secret = join(elsewhere, 'key');
  writeFileSync(secret, 'one\n');
  put(NEXT);
  await eventually('what it holds now is read', () => read.at(-1) === 'two\n');
  assert.ok(folder !== elsewhere);
});

test('a secret file that the configuration names only since a reload is watched, too', async () => {
  const secrets: string[] = [];
  const { folder, taken, put } = await watched({ also: () => secrets });
  const elsewhere = mkdtempSync(join(tmpdir(), 'llm-router-secret-'));
  ends.push(() => rmSync(elsewhere, { recursive: true, force: true }));
  const secret = join(elsewhere, 'key');
  writeFileSync(secret, 'one\n');
  secrets.push(secret);
  put(NEXT);
  await eventually('the file is taken', () => taken.length === 1);
  writeFileSync(secret, 'two-is-longer\n');
  await eventually('its secret, too', () => taken.length === 2);
  assert.ok(folder !== elsewhere);
});
