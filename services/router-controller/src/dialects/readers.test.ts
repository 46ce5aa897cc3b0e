/** What is read of answers that pass untranslated. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnswerReader, EventKind } from './answer-reader.ts';
import { PLAIN_CHAT } from './dialect.ts';
import { messagesAnswers } from './messages/reader.ts';
import { toChat as messagesToChat } from './messages/request.ts';
import { responsesAnswers } from './responses/reader.ts';
import { toChat as responsesToChat } from './responses/request.ts';
import { SseSplitter } from './sse.ts';
import { chunksOf, completionOf, saidArbitrary, translated } from './testing.ts';

const DIALECTS = [
  [responsesAnswers, responsesToChat({ input: 'hi' }, PLAIN_CHAT).answers],
  [messagesAnswers, messagesToChat({ messages: [], thinking: { type: 'adaptive' } }, PLAIN_CHAT).answers],
] as const;

function read(reader: AnswerReader, text: string) {
  const stream = reader.stream({});
  const splitter = new SseSplitter();
  const events = splitter.push(Buffer.from(text));
  const rest = splitter.end();
  const kinds = [...events, ...(rest ? [rest] : [])].map((event) => stream.read(event));
  return { stream, kinds };
}

const count = (kinds: readonly EventKind[], kind: EventKind) => kinds.filter((each) => each === kind).length;

for (const [reader, answers] of DIALECTS) {
  test(`${reader.name}: a stream is complete at its last event and not before; its usage is the plain answer’s`, () => {
    fc.assert(
      fc.property(saidArbitrary, fc.integer({ min: 1, max: 40 }), (answer, size) => {
        const text = translated(answers, chunksOf(answer, size));
        const { stream, kinds } = read(reader, text);
        assert.ok(stream.complete);
        assert.equal(stream.error, null);
        assert.equal(kinds[0], 'opening');
        assert.equal(kinds.at(-1), 'done');
        assert.equal(count(kinds, 'error') + count(kinds, 'other'), 0);
        const verdict = reader.whole(answers.whole(completionOf(answer)), {});
        assert.ok(verdict.kind === 'answer');
        assert.partialDeepStrictEqual(verdict.usage, {
          prompt_tokens: 12,
          completion_tokens: 9,
          total_tokens: 21,
          prompt_tokens_details: { cached_tokens: 4 },
        });
        assert.deepEqual(stream.usage, verdict.usage);
        const cut = text
          .split('\n\n')
          .slice(0, reader.name === 'messages' ? -3 : -2)
          .map((each) => `${each}\n\n`);
        assert.equal(read(reader, cut.join('')).stream.complete, false);
        assert.ok(stream.written.read().bytes >= Buffer.byteLength(answer.content));
      }),
      { numRuns: 100 },
    );
  });

  test(`${reader.name}: a plain answer told as events says the same`, () => {
    fc.assert(
      fc.property(saidArbitrary, (answer) => {
        const plain = answers.whole(completionOf(answer));
        const events = reader.asEvents(Buffer.from(JSON.stringify(plain)), false).toString();
        const { stream, kinds } = read(reader, events);
        assert.ok(stream.complete);
        assert.equal(kinds.at(-1), 'done');
        const verdict = reader.whole(plain, {});
        assert.ok(verdict.kind === 'answer');
        assert.deepEqual(stream.usage, verdict.usage);
        const written = stream.written.read().texts.join('');
        assert.ok(written.includes(answer.content));
        for (const { args } of answer.calls) assert.ok(written.includes(args), written);
      }),
      { numRuns: 100 },
    );
  });

  test(`${reader.name}: what the router adds to a broken stream is read as an error`, () => {
    const told = reader.errorEvent({
      error: { message: 'it broke', type: 'server_error', param: null, code: 'upstream_error' },
    });
    const { stream, kinds } = read(
      reader,
      `${translated(answers, chunksOf({ reasoning: '', content: 'x', calls: [], finish: 'stop' }, 1)).split('\n\n')[0]}\n\n${told}`,
    );
    assert.equal(kinds.at(-1), 'error');
    assert.equal(stream.error, 'it broke');
    assert.ok(!stream.complete);
  });

  test(`${reader.name}: an error under 200, a web page, a list are no answers`, () => {
    assert.deepEqual(reader.whole({ type: 'error', error: { type: 'x', message: 'no' } }, {}), {
      kind: 'error',
      message: 'no',
    });
    assert.equal(reader.whole(undefined, {}).kind, 'none');
    assert.equal(reader.whole([], {}).kind, 'none');
    assert.equal(reader.whole({ object: 'list', data: [] }, {}).kind, 'none');
  });
}

test('responses: a failed one is an error, streamed or not', () => {
  assert.equal(
    responsesAnswers.whole({ object: 'response', status: 'failed', error: null, output: [] }, {}).kind,
    'error',
  );
  const failed =
    'event: response.failed\ndata: {"type":"response.failed","response":{"error":{"code":"server_error","message":"no"}}}\n\n';
  assert.equal(read(responsesAnswers, failed).stream.error, 'no');
});

test('responses: an opening event too long to be parsed is still one', () => {
  const long = `event: response.created\ndata: {"type":"response.created","response":{"instructions":"${'x'.repeat(300_000)}"}}\n\n`;
  assert.deepEqual(read(responsesAnswers, long).kinds, ['opening']);
});

test('messages: pings are noise, and input told at the beginning is kept to the end', () => {
  const { stream, kinds } = read(
    messagesAnswers,
    'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":5,"cache_read_input_tokens":2,"output_tokens":1}}}\n\n' +
      'event: ping\ndata: {"type":"ping"}\n\n' +
      'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7,"input_tokens":null}}\n\n',
  );
  assert.deepEqual(kinds, ['opening', 'other', 'content']);
  assert.ok(stream.complete);
  assert.partialDeepStrictEqual(stream.usage, { prompt_tokens: 7, completion_tokens: 7 });
});
