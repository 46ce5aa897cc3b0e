/** Where no upstream reports tokens, the text that went out is kept to be counted: all of it, and in bounded memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SAMPLE_CHARS, TextSample } from '../../dialects/text-sample.ts';
import { type CallTest, eventually, withCall } from '../testing.ts';

const event = (chunk: object) => Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
const delta = (given: object, index = 0) => event({ choices: [{ index, delta: given }] });
const DONE = Buffer.from('data: [DONE]\n\n');

async function stream(call: CallTest, ...events: Buffer[]) {
  call.respond = () => ({ chunks: [...events, DONE] });
  await (await call.ask({ stream: true })).text();
  return call.last();
}

test(
  'a stream: content, reasoning, refusal and tool calls; each choice by itself',
  withCall({}, async (call) => {
    const { uncounted, usage } = await stream(
      call,
      delta({ role: 'assistant', content: '' }),
      delta({ reasoning_content: 'Hm', reasoning: 'Hm' }),
      delta({ content: 'Hel' }),
      delta({ content: 'An' }, 1),
      delta({ content: 'lo' }),
      delta({ content: 'other' }, 1),
      delta({ tool_calls: [{ index: 0, id: 'call_1', function: { name: 'find', arguments: '' } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '{"q":1}' } }] }),
      delta({ refusal: 'No.' }, 1),
    );
    assert.deepEqual(uncounted, { texts: ['HmHellofind{"q":1}', 'AnotherNo.'], bytes: 28 });
    assert.deepEqual([usage?.source, usage?.completionTokens], ['estimate', 7]);
  }),
);

test(
  'a plain answer: the same texts',
  withCall({}, async (call) => {
    const message = {
      role: 'assistant',
      content: 'Hello',
      reasoning_content: 'Hm',
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'find', arguments: '{"q":1}' } }],
    };
    const answer = { choices: [{ message }, { index: 1, text: 'Other' }] };
    call.respond = () => ({
      headers: { 'content-type': 'application/json' },
      chunks: [Buffer.from(JSON.stringify(answer))],
    });
    await (await call.ask()).text();
    assert.deepEqual(call.last().uncounted, { texts: ['HelloHmfind{"q":1}', 'Other'], bytes: 23 });
  }),
);

test(
  'an answer that reports its usage leaves nothing to count',
  withCall({}, async (call) => {
    await (await call.ask({ stream: true })).text();
    assert.equal(call.last().usage?.source, 'upstream');
    assert.equal(call.last().uncounted, null);
    await (await call.ask()).text();
    assert.equal(call.last().uncounted, null);
  }),
);

test(
  'a stream that the client leaves: what it got',
  withCall({}, async (call) => {
    call.respond = () => ({ chunks: [delta({ content: 'One ' }), delta({ content: 'two' })], stall: true });
    const leaving = new AbortController();
    const response = await call.ask({ stream: true }, { signal: leaving.signal });
    const reader = response.body!.getReader();
    for (let seen = ''; !seen.includes('two'); ) seen += Buffer.from((await reader.read()).value!).toString();
    leaving.abort();
    await eventually('the call has ended', () => call.outcomes.length === 1);
    assert.equal(call.last().status, 499);
    assert.deepEqual(call.last().uncounted, { texts: ['One two'], bytes: 7 });
  }),
);

test(
  'an answer without end is kept as far as the bound, and its length known',
  withCall({}, async (call) => {
    const piece = 'ä word or two, '.repeat(100);
    const { uncounted } = await stream(call, ...Array.from({ length: 100 }, () => delta({ content: piece })));
    assert.equal(uncounted!.texts[0]!.length, SAMPLE_CHARS);
    assert.ok(piece.repeat(100).startsWith(uncounted!.texts[0]!));
    assert.equal(uncounted!.bytes, 100 * Buffer.byteLength(piece));
  }),
);

test('a sample of many small pieces is their text', () => {
  const sample = new TextSample();
  for (let n = 0; n < 1_000; n++) sample.add(`${n} `, n % 3);
  const { texts, bytes } = sample.read();
  assert.equal(texts.length, 3);
  assert.ok(texts[1]!.startsWith('1 4 7 ') && texts[1]!.endsWith('994 997 '));
  assert.equal(bytes, texts.join('').length);
});
