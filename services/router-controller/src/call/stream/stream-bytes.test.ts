/** What the client receives are the upstream's bytes, whatever they are and however they are cut. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type CallTest, startCall } from '../testing.ts';

let call: CallTest;
before(async () => {
  call = await startCall();
});
after(() => call.stop());

const cuts = fc.array(fc.nat(4_000), { maxLength: 15 });

function cutAt(bytes: Buffer, at: readonly number[]): Buffer[] {
  const ends = [...new Set(at.filter((end) => end < bytes.length))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}

const received = async (response: Response) => Buffer.from(await response.arrayBuffer());

const content = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.constantFrom('data: x\n\n', '\r\n', '"usage":{}', '[DONE]'),
  )
  .map((text) => JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content: `${text}.` } }] }));
const noise = fc.constantFrom(
  ': ping',
  'event: message\ndata: {"choices":[]}',
  'data: {"choices":[],"prompt_filter_results":[1]}',
  'id: 7',
  'retry: 10',
  'data: not json at all',
  'data: {"choices": [{"index":0,"delta":{"content":"a"}}], "usage": {"prompt_tokens": 1}}',
  'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"a\\": \\"\\\\n\\""}}]}}]}',
);
const event = fc.oneof(
  content.map((json) => `data: ${json}`),
  noise,
);
/** Bytes of a stream without its end, in one of the three line endings. */
const stream = fc
  .tuple(fc.array(event, { maxLength: 12 }), fc.constantFrom('\n', '\r\n', '\r'))
  .map(([events, end]) => ({ events: [...events, 'data: {"choices":[{"delta":{"content":"z"}}]}'], end }));

const join = (events: readonly string[], end: string) =>
  Buffer.from(events.map((each) => `${each.replaceAll('\n', end)}${end}${end}`).join(''));

const USAGE =
  'data: {"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}';

test('a stream that the client asked usage of: every byte, for any chunking', async () => {
  await fc.assert(
    fc.asyncProperty(stream, cuts, fc.boolean(), async ({ events, end }, at, lastBlank) => {
      const bytes = join([...events, USAGE, 'data: [DONE]'], end);
      const sent = lastBlank ? bytes : bytes.subarray(0, bytes.length - end.length);
      call.respond = () => ({ chunks: cutAt(sent, at) });
      const body = { stream: true, stream_options: { include_usage: true } };
      assert.deepEqual(await received(await call.ask(body)), sent);
      assert.deepEqual(call.last().usage, {
        promptTokens: 3,
        cachedTokens: 0,
        completionTokens: 5,
        source: 'upstream',
      });
    }),
    { numRuns: 80 },
  );
});

test('a stream that the router asked usage of: every byte but exactly the usage event’s, for any chunking', async () => {
  await fc.assert(
    fc.asyncProperty(stream, cuts, async ({ events, end }, at) => {
      call.respond = () => ({ chunks: cutAt(join([...events, USAGE, 'data: [DONE]'], end), at) });
      assert.deepEqual(
        await received(await call.ask({ stream: true })),
        join([...events, 'data: [DONE]'], end),
      );
      assert.equal(call.last().usage?.completionTokens, 5);
      assert.deepEqual(call.llms.seen.at(-1)!.body.stream_options, { include_usage: true });
    }),
    { numRuns: 80 },
  );
});

test('the hidden event may be cut at each of its bytes', async () => {
  const head = join(['data: {"choices":[{"delta":{"content":"hello"},"finish_reason":"stop"}]}'], '\n');
  const bytes = Buffer.concat([head, join([USAGE, 'data: [DONE]'], '\n')]);
  const expected = Buffer.concat([head, join(['data: [DONE]'], '\n')]);
  for (let at = head.length - 1; at <= bytes.length; at++) {
    call.respond = () => ({ chunks: cutAt(bytes, [at]) });
    assert.deepEqual(await received(await call.ask({ stream: true })), expected);
  }
});

test('a plain answer: every byte, whatever stands in it, for any chunking', async () => {
  const space = fc.stringMatching(/^[ \t\r\n]{0,8}$/);
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'binary', maxLength: 2_000 }),
      fc.json(),
      space,
      cuts,
      fc.boolean(),
      async (content, extra, blank, at, asked) => {
        const message = JSON.stringify({ content });
        const text = `${blank}{"x":${extra},${blank}"choices":[{"message":${message}}]}${blank}`;
        const bytes = Buffer.from(text);
        const headers = { 'content-type': 'application/json; charset=utf-8' };
        call.respond = () => ({ headers, chunks: cutAt(bytes, at) });
        const response = await call.ask({ stream: asked });
        assert.deepEqual(await received(response), bytes);
        assert.equal(response.headers.get('content-length'), String(bytes.length));
        assert.equal(response.headers.get('content-type'), headers['content-type']);
      },
    ),
    { numRuns: 60 },
  );
});

test('a JSON answer keeps its spaces, key order and number spellings', async () => {
  const bytes = Buffer.from(
    '{ "b": 1.0, "a": 12345678901234567890,\n "choices": [ {"message": {"content": "\\u00fc"}} ] }',
  );
  call.respond = () => ({ headers: { 'content-type': 'application/json' }, chunks: [bytes] });
  assert.deepEqual(await received(await call.ask()), bytes);
});

test('an answer that is packed though none was asked for is unpacked, read and charged like any other', async () => {
  call.respond = null;
  for (const stream of [false, true]) {
    call.faults.first = 'gzip';
    const response = await call.ask({ stream });
    assert.equal(response.headers.get('content-encoding'), null);
    assert.match(await response.text(), stream ? /\[DONE\]/ : /stand-in for first/);
    assert.equal(call.llms.seen.at(-1)!.headers['accept-encoding'], 'identity');
    assert.equal(call.last().usage?.source, 'upstream');
  }
  call.faults.first = undefined;
});
