/** Streams as real servers write them: known by their bytes, whole when every choice has ended, over at `[DONE]`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chunkOf, DONE, type Wire } from '../raw-upstream.ts';
import { dataOf, errorOf, type OpenAiError, withRaw } from '../testing.ts';

const ONE = { policy: { retry_budget: { attempts: 1 } }, alone: true };
const events =
  (texts: string[], more: { type?: string | null; headers?: Record<string, string> } = {}) =>
  (wire: Wire) => {
    wire.open(more);
    wire.events(...texts);
    wire.end();
  };
const SOUND = [
  chunkOf({ role: 'assistant', content: '' }),
  chunkOf({ content: 'hi' }),
  chunkOf({}, 'stop'),
  DONE,
];
const BOM = '\ufeff';

describe('a stream is one under any content type', () => {
  for (const type of [null, 'text/plain; charset=utf-8', 'application/json', 'application/octet-stream'])
    for (const [what, first] of [
      ['data', ''],
      ['a comment', ': hello\n\n'],
      ['a blank line', '\r\n'],
      ['an id', 'id: 1\nretry: 5\n\n'],
      ['a byte order mark', BOM],
    ] as const)
      test(
        `${type}, which begins with ${what}`,
        withRaw({ answer: events([first + SOUND[0], ...SOUND.slice(1)], { type }), ...ONE }, async (call) => {
          const response = await call.ask({ stream: true });
          assert.equal(response.status, 200);
          assert.match(String(response.headers.get('content-type')), /^text\/event-stream/);
          assert.equal(await response.text(), (first + SOUND.join('')).replace(BOM, ''));
          assert.equal(call.last().streamed, true);
          assert.equal(call.last().contentEvents, 2);
        }),
      );
});

test(
  'it goes out as it comes, and not at its end',
  withRaw({ answer: () => {}, ...ONE }, async (call, upstream) => {
    const more = Promise.withResolvers<void>();
    upstream.answer = async (wire) => {
      wire.open({ type: 'text/plain' });
      wire.events(chunkOf({ content: 'first' }));
      await more.promise;
      wire.events(chunkOf({}, 'stop'), DONE);
      wire.end();
    };
    const reader = (await call.ask({ stream: true })).body!.getReader();
    assert.match(Buffer.from((await reader.read()).value!).toString(), /first/);
    more.resolve();
    await reader.cancel();
  }),
);

test(
  'a stream that nobody asked for is an error that says so; a fallback answers in its place',
  withRaw({ answer: events(SOUND), ...ONE }, async (call) => {
    const response = await call.ask();
    assert.equal(response.status, 502);
    assert.match((await errorOf(response)).message, /a stream, which the request did not ask for/);
  }),
);
test(
  'with a fallback, a stream that nobody asked for is passed over',
  withRaw({ answer: events(SOUND) }, async (call) => {
    assert.equal((await call.ask()).headers.get('x-llm-router-model'), 'second');
  }),
);

describe('every choice has to end', () => {
  const cut = [
    chunkOf({ content: 'first' }),
    chunkOf({ content: 'second is cut o' }, null, {}, 1),
    chunkOf({}, 'stop'),
    chunkOf({ content: 'ff he' }, null, {}, 1),
  ];
  for (const [what, body, texts, whole] of [
    ['one of two is cut', { n: 2 }, cut, false],
    ['one of two is cut, and n was not said', {}, cut, false],
    ['one of two never came', { n: 2 }, [chunkOf({ content: 'x' }), chunkOf({}, 'stop')], false],
    ['both end', { n: 2 }, [...cut, chunkOf({}, 'length', {}, 1)], true],
    ['[DONE] ends all', { n: 2 }, [...cut, DONE], true],
    ['one ends without [DONE]', {}, [chunkOf({ content: 'x' }), chunkOf({}, 'stop')], true],
    ['none ends', {}, [chunkOf({ content: 'x' })], false],
  ] as const)
    test(
      what,
      withRaw({ answer: events([...texts]), ...ONE }, async (call) => {
        const text = await (await call.ask({ stream: true, ...body })).text();
        assert.equal(call.last().incomplete, !whole);
        const last = dataOf(text).at(-1)!;
        if (whole) assert.doesNotMatch(text, /"error"/);
        else assert.equal((JSON.parse(last) as OpenAiError).error.code, 'upstream_error');
      }),
    );
});

test(
  'NaN in a stream is content like any other, and its bytes pass',
  withRaw({ answer: () => {}, ...ONE }, async (call, upstream) => {
    const text = (content: string) =>
      `data: {"choices":[{"index":0,"delta":{"content":"${content}"},"logprobs":{"content":[{"logprob":-Infinity},{"logprob": NaN}]}}]}\n\n`;
    const sent = [text('hi'), text('NaN'), chunkOf({}, 'stop'), DONE];
    upstream.answer = events(sent);
    assert.equal(await (await call.ask({ stream: true })).text(), sent.join(''));
    assert.deepEqual([call.last().contentEvents, call.last().uncounted?.texts], [3, ['hiNaN']]);
  }),
);

test(
  'after [DONE] nobody waits for the connection’s end',
  withRaw({ answer: () => {}, ...ONE, target: { timeouts: { idle_ms: 60_000 } } }, async (call, upstream) => {
    upstream.answer = (wire) => {
      wire.open();
      wire.events(...SOUND);
    };
    assert.equal(await (await call.ask({ stream: true })).text(), SOUND.join(''));
    assert.equal(call.last().incomplete, false);
  }),
);

test(
  'a stream that is whole leaves its connection to the next',
  withRaw({ answer: events(SOUND), ...ONE }, async (call, upstream) => {
    for (let i = 0; i < 5; i++) {
      await (await call.ask({ stream: true })).text();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(upstream.connections(), 1);
  }),
);

test(
  'an end in an event too long to be looked into is seen; a cut stream under a charset as its coding is told',
  withRaw({ answer: () => {}, ...ONE }, async (call, upstream) => {
    upstream.answer = events([chunkOf({ content: 'x'.repeat(2_000_000) }, 'stop')]);
    assert.doesNotMatch(await (await call.ask({ stream: true })).text(), /"error"/);
    upstream.answer = events([chunkOf({ content: 'half' })], { headers: { 'content-encoding': 'UTF-8' } });
    assert.match(await (await call.ask({ stream: true })).text(), /"error"/);
  }),
);
