import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { barLine, inPlain, progress, waiting } from './progress.ts';

const CLEAR = '\r\x1b[K';

/** A stream that keeps what is written. */
function stream(isTTY: boolean, columns = 100) {
  const written: string[] = [];
  return {
    written,
    stream: { isTTY, columns, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream,
  };
}

/** Time goes on, and what waited for it runs. */
async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms);
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

const { TERM } = process.env;
beforeEach(() => {
  process.env.TERM = 'xterm';
  mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_000_000 });
});
afterEach(() => {
  mock.timers.reset();
  if (TERM === undefined) delete process.env.TERM;
  else process.env.TERM = TERM;
});

for (const isTTY of [true, false])
  test(`${isTTY ? 'a terminal' : 'a pipe'}: what ends within two seconds says nothing`, async () => {
    const { written, stream: out } = stream(isTTY);
    const bar = progress('rows', out);
    bar.update(1, 2);
    await pass(1_900);
    bar.update(2, 2);
    bar.end();
    assert.deepEqual(written, []);
  });

test('a terminal has one line that is written over and taken away; what is printed between stands alone', async () => {
  const { written, stream: out } = stream(true);
  const done = Promise.withResolvers<string>();
  const result = waiting('looking', () => done.promise, { stream: out, detail: () => 'far' });
  await pass(3_500);
  out.write('found one\n');
  await pass(1_000);
  done.resolve('all');
  assert.equal(await result, 'all');
  const drawn = written.join('').replaceAll(CLEAR, '<').replaceAll(/\d s/g, 'N s');
  assert.match(drawn, /^(?:<looking … N s {2}far)+<found one\n(?:<looking … N s {2}far)+<$/);
  // Nothing stays behind.
  out.write('end');
  assert.equal(written.at(-1), 'end');
});

test('what goes on at once shares the line, and the beginning of a line is not written over', async () => {
  const { written, stream: out } = stream(true);
  const [a, b] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const both = [
    waiting('a', () => a.promise, { stream: out }),
    waiting('b', () => b.promise, { stream: out }),
  ];
  await pass(2_000);
  assert.match(written.at(-1)!, /a … 2 s {2}· {2}b … 2 s$/);
  out.write('half a');
  const before = written.length;
  await pass(1_000);
  assert.equal(written.length, before);
  out.write(' line\n');
  a.resolve();
  await both[0];
  await pass(1_000);
  assert.equal(written.at(-1), `${CLEAR}b … 4 s`);
  b.resolve();
  await both[1];
  assert.equal(written.at(-1), CLEAR);
});

test('a narrow terminal gets what fits, of a bar and of words', async () => {
  for (const columns of [20, 40, 100, 3]) {
    const { written, stream: out } = stream(true, columns);
    const bar = progress('prompts', out);
    await pass(2_000);
    bar.update(5, 10);
    bar.end();
    const done = Promise.withResolvers<void>();
    const waited = waiting('waiting for\nan answer that takes long', () => done.promise, { stream: out });
    await pass(3_000);
    done.resolve();
    await waited;
    const lines = written.join('').split(CLEAR);
    for (const line of lines) assert.ok(line.length < columns && !line.includes('\n'), JSON.stringify(line));
    if (columns === 40) assert.match(lines[1]!, /^prompts █+░+ 5 of 10 \(50 %\)$/);
    if (columns === 20) assert.equal(lines[1], '50 % prompts');
  }
});

test('a terminal that can do nothing gets lines as a pipe does', async () => {
  process.env.TERM = 'dumb';
  const { written, stream: out } = stream(true);
  const done = Promise.withResolvers<void>();
  const waited = waiting('looking', () => done.promise, { stream: out });
  await pass(10_000);
  await pass(10_000);
  done.resolve();
  await waited;
  assert.deepEqual(written, ['looking … 10 s\n', 'looking … 20 s\n']);
});

test('a pipe gets whole lines, seldom, and nothing that a terminal alone understands', async () => {
  const { written, stream: out } = stream(false);
  const bar = progress('rows', out);
  for (let row = 1; row <= 60; row++) {
    mock.timers.tick(500);
    bar.update(row, 60);
  }
  bar.end();
  assert.equal(written.length, 4);
  for (const line of written) assert.match(line, /^rows [█░]{30} \d+ of 60 \(\d+ %\)\n$/);
});

test('what colours its output wherever it goes is plain where nobody looks', async () => {
  const { isTTY, write } = process.stdout;
  const written: string[] = [];
  try {
    for (const terminal of [false, true]) {
      process.stdout.isTTY = terminal;
      process.stdout.write = ((text: string) => written.push(text)) as unknown as typeof write;
      await inPlain(async () => process.stdout.write('\x1b[32m✓\x1b[0m done'));
      process.stdout.write('\x1b[1mafter');
    }
  } finally {
    Object.assign(process.stdout, { isTTY, write });
  }
  assert.deepEqual(written, ['✓ done', '\x1b[1mafter', '\x1b[32m✓\x1b[0m done', '\x1b[1mafter']);
});

test('a bar is as wide as there is room for; the share is told first where there is hardly any', () => {
  assert.equal(
    barLine('kB of the log', 1, 4, 100),
    `kB of the log ${'█'.repeat(8)}${'░'.repeat(22)} 1 of 4 (25 %)`,
  );
  assert.equal(barLine('kB', 1, 4, 30), `kB ${'█'.repeat(3)}${'░'.repeat(9)} 1 of 4 (25 %)`);
  assert.equal(barLine('kB of the log', 1, 4, 29), 'kB of the log 1 of 4 (25 %)');
  assert.equal(barLine('kB of the log', 123_456, 493_824, 24), '25 % kB of the log');
  assert.equal(barLine('', 123_456, 493_824, 12), '25 %');
});
