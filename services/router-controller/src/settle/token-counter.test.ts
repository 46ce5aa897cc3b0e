/** The thread that counts: begun on the first need, bounded, and never a reason to fail. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { createLog } from '../observe/index.ts';
import { TokenCounter, type TokenCounterOptions } from './token-counter.ts';

const HELLO = { texts: ['hello world'], bytes: 11 };

/** Code for a thread that does as the test wants. */
const code = (text: string) => new URL(`data:text/javascript,${encodeURIComponent(text)}`);
const ANSWER = "import { parentPort } from 'node:worker_threads'; parentPort.on('message', ({ id }) => ";

function counter(options: TokenCounterOptions = {}) {
  const told: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      told.push(String(chunk));
      done();
    },
  });
  return { told, made: new TokenCounter(createLog({ level: 'info', stream }), options) };
}

async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (const until = Date.now() + 10_000; !holds(); ) {
    assert.ok(Date.now() < until, what);
    await new Promise((done) => setTimeout(done, 10));
  }
}

test('nothing is loaded until a text is to be counted; the thread ends when there is none any more', async () => {
  const { made } = counter({ idleMs: 50 });
  assert.equal(made.running, false);
  assert.deepEqual(await made.count([HELLO, { texts: ['tiktoken is great!', ''], bytes: 18 }]), [2, 6]);
  await eventually('it ends', () => !made.running);
  assert.deepEqual(await made.count([HELLO]), [2]);
  await made.close();
});

test('many at once each get their own', async () => {
  const { made } = counter();
  const texts = Array.from({ length: 50 }, (_, n) => 'hello'.concat(' world'.repeat(n)));
  const counted = await Promise.all(texts.map((text) => made.count([{ texts: [text], bytes: text.length }])));
  assert.deepEqual(
    counted,
    texts.map((_, n) => [n + 1]),
  );
  await made.close();
});

test('the event loop goes on while long texts are counted', async () => {
  const { made } = counter();
  const text = Array.from({ length: 60_000 }, (_, n) =>
    String.fromCharCode(0x4e00 + ((n * 7919) % 20_000)),
  ).join('');
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await made.count(Array.from({ length: 4 }, () => ({ texts: [text], bytes: 3 * text.length })));
  clearInterval(timer);
  assert.ok(turns > 3, `${turns} turns`);
  await made.close();
});

test('more than may wait stays uncounted, at once', async () => {
  const { made } = counter({ maxWaitingChars: 20 });
  const first = made.count([HELLO]);
  assert.equal(await made.count([HELLO]), null);
  assert.deepEqual(await first, [2]);
  assert.deepEqual(await made.count([HELLO]), [2]);
  await made.close();
});

for (const [what, text, options] of [
  ['fails', `${ANSWER} { throw new Error('broken'); });`, {}],
  ['ends', `${ANSWER} process.exit(0));`, {}],
  ['hangs', `${ANSWER} { for (;;); });`, { limitMs: 200 }],
  ['can’t be loaded', 'nonsense nonsense', {}],
] as const)
  test(`a thread that ${what} leaves estimates, is told once, and is begun anew`, async () => {
    const { made, told } = counter({ worker: code(text), ...options });
    assert.deepEqual(await Promise.all([made.count([HELLO]), made.count([HELLO])]), [null, null]);
    assert.equal(await made.count([HELLO]), null);
    assert.equal(told.length, 1, told.join(''));
    assert.match(told[0]!, /tokens can’t be counted/);
    assert.ok(!told[0]!.includes('hello'), 'the text is not told');
    await made.close();
  });

test('a counter that is closed gives up what waits', async () => {
  const { made, told } = counter({ worker: code(`${ANSWER} { for (;;); });`) });
  const waiting = made.count([HELLO]);
  await made.close();
  assert.equal(await waiting, null);
  assert.deepEqual(told, []);
});
