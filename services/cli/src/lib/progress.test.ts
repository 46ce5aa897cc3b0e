import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { progress, waiting } from './progress.ts';

/** A stream that keeps what is written. */
function stream(isTTY: boolean) {
  const written: string[] = [];
  return {
    written,
    stream: { isTTY, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream,
  };
}

/** Time goes on, and what waited for it runs. */
async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms);
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

beforeEach(() => mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_000_000 }));
afterEach(() => mock.timers.reset());

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
  const result = waiting(
    'looking',
    async (clear) => {
      await Promise.resolve();
      setInterval(() => {
        clear();
        out.write('found one\n');
      }, 3_500);
      return done.promise;
    },
    out,
  );
  await pass(1);
  await pass(3_600);
  done.resolve('all');
  assert.equal(await result, 'all');
  const text = written.join('');
  const drawn = text.replaceAll('\r\x1b[K', '<').replaceAll(/\d s/g, 'N s');
  assert.match(drawn, /^(?:<looking … N s)+<found one\n$/);
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
