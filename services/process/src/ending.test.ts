import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that ends as `body` says; it lives until then, and says each line at once. */
async function run(body: string, first = 'ready') {
  const source = `
    import { endWhenTold, hear } from ${JSON.stringify(import.meta.resolve('./ending.ts'))};
    setInterval(() => {}, 1_000);
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout! }).on('line', (line) => lines.push(line));
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  if (!lines.includes(first)) await once(reader, 'line');
  return { child, reader, lines, exited };
}

const SERVES = `
  const ending = endWhenTold();
  ending.by(async (why) => console.log('drained after ' + why), true);
  console.log('ready');`;
const NEVER_DONE = SERVES.replace(
  "async (why) => console.log('drained after ' + why)",
  "(why) => { console.log('drains'); return new Promise(() => {}); }",
);

for (const [what, tell, why] of [
  ['SIGTERM', (child: ChildProcess) => child.kill('SIGTERM'), 'SIGTERM'],
  ['SIGINT', (child: ChildProcess) => child.kill('SIGINT'), 'SIGINT'],
  ['the parent’s end', (child: ChildProcess) => child.stdin!.end(), 'parent gone'],
] as const)
  test(`${what} at the word that it serves lets it finish, and it ends with 0`, async () => {
    const { child, lines, exited } = await run(SERVES);
    tell(child);
    assert.deepEqual(await exited, [0, null]);
    assert.deepEqual(lines, ['ready', `drained after ${why}`]);
  });

test('two signals at once are one wish; a later one ends it, whatever is under way', async () => {
  const { child, reader, lines, exited } = await run(NEVER_DONE);
  child.kill('SIGTERM');
  child.kill('SIGINT');
  await once(reader, 'line');
  await sleep(1_100);
  assert.equal(child.exitCode, null);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [143, null]);
  assert.deepEqual(lines, ['ready', 'drains']);
});

test('before it serves there is nothing to finish', async () => {
  const { child, exited } = await run(`endWhenTold(); console.log('starting');`, 'starting');
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('a stop that fails is told, and is no good end', async () => {
  const { child, reader, exited } = await run(
    `endWhenTold({ say: console.log }).by(async () => { throw new Error('the file is gone'); }); console.log('ready');`,
  );
  child.kill('SIGTERM');
  const [line] = await once(reader, 'line');
  assert.equal(line, 'stop after SIGTERM failed: Error: the file is gone');
  assert.deepEqual(await exited, [1, null]);
});
