/** A 2xx that is no answer is none: the next target is asked, and alone the client is told what came instead. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerOf, chunkOf, DONE, type Wire } from '../raw-upstream.ts';
import { errorOf, withRaw } from '../testing.ts';

const json = (value: unknown) => (wire: Wire) => wire.plain(JSON.stringify(value));
const choice = (more: object) => ({ id: 'x', object: 'chat.completion', choices: [{ index: 0, ...more }] });

const PLAIN: readonly [string, (wire: Wire) => void, RegExp][] = [
  [
    'choices null beside an error',
    json({ choices: null, error: { message: 'Provider returned error', code: 502 } }),
    /Provider returned error/,
  ],
  ['choices null', json({ id: null, choices: null, usage: null }), /without choices/],
  ['no choices', json({ id: 'x', object: 'chat.completion', choices: [], usage: null }), /without choices/],
  ['choices absent', json({ id: 'x' }), /without choices/],
  ['a choice without a message', json(choice({})), /without a message/],
  [
    'an error in a choice',
    json(choice({ message: { content: '' }, error: { message: 'Provider disconnected' } })),
    /Provider disconnected/,
  ],
  [
    'finish_reason error',
    json(choice({ message: { content: 'half' }, finish_reason: 'error' })),
    /finish_reason/,
  ],
  [
    'an error beside choices',
    json({ ...choice({ message: { content: '' } }), error: { message: 'overloaded' } }),
    /overloaded/,
  ],
  [
    'an error object of vLLM',
    json({ object: 'error', message: 'model overloaded', code: 500 }),
    /model overloaded/,
  ],
  ['a wrapped error', json({ error: { error: { message: 'the inner one' } } }), /the inner one/],
  [
    'a code and a message',
    json({ code: 500, msg: 'internal error', success: false }),
    /without choices: internal error/,
  ],
  ['a list', json([{ error: 'x' }]), /no answer/],
  ['a text', json('ok'), /no JSON/],
  [
    'a web page',
    (wire) => wire.plain('<!doctype html><html>Portal</html>', { type: 'text/html' }),
    /text\/html/,
  ],
  ['a web page that says JSON', (wire) => wire.plain('<html></html>'), /no JSON/],
  ['an empty body', (wire) => wire.plain('', { type: null }), /no JSON/],
  ['204', (wire) => wire.head('204 No Content', {}), /no JSON/],
  ['202 without a word', (wire) => wire.plain('{}', { status: '202 Accepted' }), /without choices/],
  ['half of JSON', (wire) => wire.plain('{"choices":[{"message":'), /no JSON/],
];

describe('plain', () => {
  for (const [what, answer, told] of PLAIN) {
    test(
      `${what}: the fallback answers`,
      withRaw({ answer }, async (call) => {
        const response = await call.ask();
        assert.equal(response.status, 200);
        assert.equal(response.headers.get('x-llm-router-model'), 'second');
        assert.equal(call.last().usage?.source, 'upstream');
      }),
    );
    test(
      `${what}: alone it is a 502 that says what came`,
      withRaw({ answer, alone: true, policy: { retry_budget: { attempts: 1 } } }, async (call) => {
        const response = await call.ask();
        assert.equal(response.status, 502);
        const error = await errorOf(response);
        assert.equal(error.code, 'upstream_error');
        assert.match(error.message, told);
      }),
    );
  }
});

const events =
  (...texts: string[]) =>
  (wire: Wire) => {
    wire.open();
    wire.events(...texts);
    wire.end();
  };
const STREAMS: readonly [string, (wire: Wire) => void][] = [
  [
    'an error in its first choice',
    events(
      chunkOf({ role: 'assistant', content: '' }),
      `data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"message":"gone"}}]}\n\n`,
    ),
  ],
  ['finish_reason error', events(chunkOf({ content: '' }, 'error'), DONE)],
  ['an error event', events('event: error\ndata: {"message":"gone"}\n\n')],
  ['an error object', events('data: {"object":"error","message":"gone"}\n\n')],
  ['nothing but its end of the connection', events()],
  ['comments alone', events(': hi\n\n', ': hi\n\n')],
  ['a web page', (wire) => wire.plain('<html></html>', { type: 'text/event-stream' })],
  ['an error as JSON', (wire) => wire.plain('{"error":{"message":"no"}}', { type: 'text/event-stream' })],
  [
    'an error event without a type',
    (wire) => {
      wire.open({ type: null });
      wire.events('data: {"error":{"message":"engine dead","code":500}}\n\n');
      wire.end();
    },
  ],
];

describe('streamed', () => {
  for (const [what, answer] of STREAMS) {
    test(
      `${what}: the fallback answers`,
      withRaw({ answer }, async (call) => {
        const response = await call.ask({ stream: true });
        const text = await response.text();
        assert.equal(response.headers.get('x-llm-router-model'), 'second', text);
        assert.match(text, /\[DONE\]/);
      }),
    );
  }
});

test(
  'a choice that fails after content ends the stream with what the upstream said, and counts as broken',
  withRaw({ answer: events(chunkOf({ content: 'half' }), chunkOf({}, 'error'), DONE) }, async (call) => {
    const text = await (await call.ask({ stream: true })).text();
    assert.match(text, /half/);
    assert.equal(call.last().incomplete, true);
    assert.ok(call.events.includes('incomplete first'));
  }),
);

test(
  'an answer is one however it says it: null content, tool calls alone, text, NaN, a charset as its coding',
  withRaw(
    { answer: () => {}, alone: true, policy: { retry_budget: { attempts: 1 } } },
    async (call, upstream) => {
      for (const body of [
        answerOf('hi'),
        `\ufeff${answerOf('hi')}`,
        JSON.stringify(choice({ message: { content: null, tool_calls: [{ id: 'a' }] } })),
        JSON.stringify(choice({ text: 'hi' })),
        '{"choices":[{"message":{"content":"say \\"NaN\\" or -Infinity"},"logprobs":{"content":[{"logprob":-Infinity},{"logprob":NaN}]}}]}',
      ]) {
        upstream.answer = (wire) => wire.plain(body, { headers: { 'content-encoding': 'UTF-8' } });
        const response = await call.ask();
        assert.equal(response.status, 200, body);
        assert.deepEqual(Buffer.from(await response.arrayBuffer()), Buffer.from(body));
      }
    },
  ),
);
