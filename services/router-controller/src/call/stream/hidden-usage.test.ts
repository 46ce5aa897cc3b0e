/** Usage that the router asks for on its own account leaves no trace in what the client gets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { findMember } from '../../dialects/cut-member.ts';
import { chunkOf, DONE, type RawRequest, type Wire } from '../raw-upstream.ts';
import { withRaw } from '../testing.ts';

const USAGE = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };
const usageEvent = (more: object = {}) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [], usage: USAGE, ...more })}\n\n`;
const events =
  (...texts: string[]) =>
  (wire: Wire) => {
    wire.open();
    wire.events(...texts);
    wire.end();
  };
const ONE = { alone: true, policy: { retry_budget: { attempts: 1 } } };
const cutMember = (text: string, from: number, name: string) => {
  const cut = findMember(text, from, name);
  return cut ? text.slice(0, cut.from) + text.slice(cut.to) : text;
};
const asks = ({ body }: RawRequest) => body?.stream_options !== undefined;

describe('what the option adds is taken out again', () => {
  const sound = [chunkOf({ content: 'a "usage":null b' }), chunkOf({}, 'stop')];
  const nulled = sound.map((event) => event.replace('"choices"', '"usage":null,"choices"'));
  for (const [what, sent, got] of [
    ['null in every chunk', [...nulled, usageEvent(), DONE], [...sound, DONE]],
    [
      'null at the end of a chunk',
      [chunkOf({ content: 'x' }, null, { usage: null }), DONE],
      [chunkOf({ content: 'x' }), DONE],
    ],
    [
      'null, in other spellings',
      ['data:{ "usage" : null , "choices":[{"delta":{"content":"x"}}]}\r\n\r\n', DONE],
      ['data:{  "choices":[{"delta":{"content":"x"}}]}\r\n\r\n', DONE],
    ],
    [
      'the usage event',
      [...sound, usageEvent({ service_tier: 'default', obfuscation: 'xx', citations: [] }), DONE],
      [...sound, DONE],
    ],
    [
      'usage beside an empty delta',
      [...sound, chunkOf({ role: 'assistant', content: '' }, null, { usage: USAGE }), DONE],
      [...sound, chunkOf({ role: 'assistant', content: '' }), DONE],
    ],
    [
      'usage beside citations',
      [...sound, usageEvent({ citations: ['https://h'] }), DONE],
      [
        ...sound,
        usageEvent({ citations: ['https://h'] }).replace(`,"usage":${JSON.stringify(USAGE)}`, ''),
        DONE,
      ],
    ],
    [
      'an upstream’s own habit',
      [chunkOf({ content: 'x' }, 'stop', { usage: USAGE }), DONE],
      [chunkOf({ content: 'x' }, 'stop', { usage: USAGE }), DONE],
    ],
    [
      'usage of something else',
      [chunkOf({ content: 'x', usage: null }, 'stop', { x_groq: { usage: USAGE } }), DONE],
      [chunkOf({ content: 'x', usage: null }, 'stop', { x_groq: { usage: USAGE } }), DONE],
    ],
  ] as const)
    test(
      what,
      withRaw({ answer: events(...sent), ...ONE }, async (call) => {
        assert.equal(await (await call.ask({ stream: true })).text(), got.join(''));
      }),
    );

  test(
    'a client that asks gets all of it',
    withRaw({ answer: events(...nulled, usageEvent(), DONE), ...ONE }, async (call) => {
      const text = await (await call.ask({ stream: true, stream_options: { include_usage: true } })).text();
      assert.equal(text, [...nulled, usageEvent(), DONE].join(''));
    }),
  );
});

test('a member is cut out of an object, every other byte as it was', () => {
  const value = fc.jsonValue();
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.string(), value), { selector: ([name]) => name, maxLength: 6 }),
      value,
      fc.nat(6),
      (members, cut, at) => {
        const others = members.filter(([name]) => name !== 'usage');
        const text = (pairs: readonly (readonly [string, unknown])[]) =>
          `{${pairs.map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`).join(',')}}`;
        const all = others.toSpliced(at, 0, ['usage', cut]);
        assert.equal(cutMember(`data: ${text(all)}\n\n`, 0, 'usage'), `data: ${text(others)}\n\n`);
        assert.equal(cutMember(text(others), 0, 'usage'), text(others));
      },
    ),
  );
});

describe('an upstream that refuses to be asked is asked once more without, whatever its words', () => {
  const refusal = JSON.stringify({ error: { message: 'Unrecognized request argument: stream_options' } });
  for (const [what, refuse] of [
    [
      'a gzip body',
      (wire: Wire) =>
        wire.plain(gzipSync(refusal), { status: '400 Bad Request', headers: { 'content-encoding': 'gzip' } }),
    ],
    [
      'other words',
      (wire: Wire) =>
        wire.plain('{"detail":"Extra inputs are not permitted"}', { status: '422 Unprocessable Entity' }),
    ],
    [
      'a stream in a coding that nobody here knows',
      (wire: Wire) => {
        wire.open({ headers: { 'content-encoding': 'compress' } });
        wire.chunk('packed');
        wire.end();
      },
    ],
    ['no words', (wire: Wire) => wire.plain('', { status: '400 Bad Request', type: null })],
  ] as const)
    test(
      what,
      withRaw(
        {
          answer: (wire, request) =>
            asks(request) ? refuse(wire) : events(chunkOf({ content: 'x' }, 'stop'), DONE)(wire),
          ...ONE,
        },
        async (call, upstream) => {
          for (let i = 0; i < 3; i++) assert.equal((await call.ask({ stream: true })).status, 200);
          assert.deepEqual(upstream.seen.map(asks), [true, false, false, false]);
          assert.equal(call.events.filter((event) => event === 'usage-refused first').length, 1);
        },
      ),
    );
});

test(
  'a request that is bad by itself is not held against the option, and once that is known to work, not asked twice',
  withRaw(
    { answer: (wire) => wire.plain('{"error":{"message":"bad"}}', { status: '400 Bad Request' }), ...ONE },
    async (call, upstream) => {
      assert.equal((await call.ask({ stream: true })).status, 400);
      assert.deepEqual(upstream.seen.map(asks), [true, false]);
      const bad = upstream.answer;
      upstream.answer = events(chunkOf({ content: 'x' }, 'stop'), usageEvent(), DONE);
      await (await call.ask({ stream: true })).text();
      upstream.answer = bad;
      assert.equal((await call.ask({ stream: true })).status, 400);
      assert.deepEqual(upstream.seen.map(asks), [true, false, true, true]);
      assert.equal(call.events.includes('usage-refused first'), false);
    },
  ),
);
