/** What Anthropic's SDK makes of answers that were chat completions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import fc from 'fast-check';
import { PLAIN_CHAT } from '../dialect.ts';
import {
  answering,
  callsWithoutIds,
  chunksOf,
  completionOf,
  eventsOf,
  type Said,
  saidArbitrary,
  translated,
} from '../testing.ts';
import { errorBody } from './errors.ts';
import { toChat } from './request.ts';

const BASE = { model: 'auto', max_tokens: 100, messages: [{ role: 'user' as const, content: 'hi' }] };
const THINKS = { thinking: { type: 'enabled' as const, budget_tokens: 4096 } };
const answersTo = (request: object = {}) => toChat({ ...BASE, ...request }, PLAIN_CHAT).answers;
const said = (more: Partial<Said>): Said => ({
  reasoning: '',
  content: '',
  calls: [],
  finish: 'stop',
  ...more,
});
const settled = (message: object) =>
  JSON.parse(
    JSON.stringify(message, (key, value) => (key === 'id' && /^msg_/.test(String(value)) ? 0 : value)),
  );

const sdk = (body: string, status = 200, type = 'text/event-stream') =>
  new Anthropic({
    apiKey: 'x',
    baseURL: 'http://router',
    fetch: answering(body, type, status),
    maxRetries: 0,
  });

const final = (body: string) => sdk(body).messages.stream(BASE).finalMessage();

test('the SDK’s stream helper ends with the message that the same completion gives whole, in any cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      saidArbitrary,
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      async (answer, size, thinks) => {
        const request = thinks ? THINKS : {};
        const whole = answersTo(request).whole(completionOf(answer));
        const streamed = await final(translated(answersTo(request), chunksOf(answer, size)));
        const text = JSON.stringify(streamed, (key, value) =>
          /^parsed_output$/.test(key) ? undefined : value,
        );
        assert.deepEqual(settled(JSON.parse(text)), settled(whole));
      },
    ),
    { numRuns: 60 },
  );
});

test('parallel calls that come whole, without an id and under one index or none, are told apart', async () => {
  for (const chunks of callsWithoutIds) {
    const { content } = await final(translated(answersTo(), [...chunks]));
    const calls = content.flatMap((block) => (block.type === 'tool_use' ? [block] : []));
    assert.deepEqual(
      calls.map((each) => each.input),
      [{ x: 'a' }, { x: 'b' }, { x: 'a' }],
    );
    assert.equal(new Set(calls.map((each) => each.id)).size, 3);
  }
});

test('blocks are sent one after the other, each begun, filled and stopped, between start and stop', () => {
  fc.assert(
    fc.property(saidArbitrary, fc.integer({ min: 1, max: 40 }), (answer, size) => {
      const events = eventsOf(translated(answersTo(THINKS), chunksOf(answer, size)));
      const kinds = events.map(({ name, data }) => {
        assert.equal(name, data.type);
        return name === 'content_block_delta' || name.startsWith('content_block')
          ? `${name} ${data.index}`
          : name;
      });
      assert.equal(kinds[0], 'message_start');
      assert.deepEqual(kinds.slice(-2), ['message_delta', 'message_stop']);
      let open: string | null = null;
      let next = 0;
      for (const kind of kinds.slice(1, -2)) {
        const [name, index] = kind.split(' ') as [string, string];
        if (name === 'content_block_start') {
          assert.equal(open, null);
          assert.equal(index, String(next++));
          open = index;
        } else assert.equal(index, open);
        if (name === 'content_block_stop') open = null;
      }
      assert.equal(open, null);
    }),
    { numRuns: 200 },
  );
});

test('text and usage: what came from the cache is told apart', async () => {
  const message = await final(translated(answersTo(), chunksOf(said({ content: 'Hello there.' }), 3)));
  assert.deepEqual(
    message.content.map(({ type }) => type),
    ['text'],
  );
  assert.equal(message.stop_reason, 'end_turn');
  assert.equal(message.model, 'm');
  assert.partialDeepStrictEqual(message.usage, {
    input_tokens: 8,
    cache_read_input_tokens: 4,
    output_tokens: 9,
    output_tokens_details: { thinking_tokens: 3 },
  });
});

test('reasoning is shown as thinking where the request asks for it, and not at all where it does not', async () => {
  const chunks = chunksOf(said({ reasoning: 'hm, so', content: 'Yes.' }), 2);
  const types = async (request: object) =>
    (await final(translated(answersTo(request), chunks))).content.map(({ type }) => type);
  assert.deepEqual(await types(THINKS), ['thinking', 'text']);
  assert.deepEqual(await types({ thinking: { type: 'adaptive' } }), ['thinking', 'text']);
  assert.deepEqual(await types({}), ['text']);
  assert.deepEqual(await types({ thinking: { type: 'disabled' } }), ['text']);
});

test('parallel calls, also interleaved ones, come one whole block after the other', async () => {
  const chunk = (tool_calls: object[]) =>
    JSON.stringify({ choices: [{ index: 0, delta: { tool_calls }, finish_reason: null }] });
  const text = translated(answersTo(), [
    chunk([{ index: 0, id: 'a', function: { name: 'look', arguments: '{"x"' } }]),
    chunk([{ index: 1, id: 'b', function: { name: 'write', arguments: '{"y":' } }]),
    chunk([{ index: 0, function: { arguments: ':1}' } }]),
    chunk([{ index: 1, function: { arguments: '2}' } }]),
  ]);
  const message = await final(text);
  assert.equal(message.stop_reason, 'tool_use');
  assert.deepEqual(
    message.content.map((block) => block.type === 'tool_use' && [block.id, block.name, block.input]),
    [
      ['a', 'look', { x: 1 }],
      ['b', 'write', { y: 2 }],
    ],
  );
});

test('a second call is told as it comes once the first one is whole', () => {
  const stream = answersTo().stream();
  const call = (index: number, args: string, id = '') =>
    stream.push(
      JSON.stringify({
        choices: [
          {
            delta: {
              tool_calls: [
                { index, ...(id && { id }), function: { ...(id && { name: 'f' }), arguments: args } },
              ],
            },
          },
        ],
      }),
    );
  call(0, '{"a":1}', 'one');
  assert.match(call(1, '{"b', 'two'), /content_block_start.*"two"[\s\S]*"partial_json":"\{\\"b"/);
  assert.match(call(1, '":2}'), /partial_json/);
});

test('why it ended: length, stop sequence, filter, refusal', () => {
  const ended = (choice: object) =>
    (answersTo().whole({ choices: [{ message: { content: 'x' }, ...choice }] }) as { stop_reason: string })
      .stop_reason;
  assert.equal(ended({ finish_reason: 'length' }), 'max_tokens');
  assert.equal(ended({ finish_reason: 'stop', stop_reason: '###' }), 'stop_sequence');
  assert.equal(ended({ finish_reason: 'stop', stop_reason: 128001 }), 'end_turn');
  assert.equal(ended({ finish_reason: 'content_filter' }), 'refusal');
  assert.equal(ended({ finish_reason: 'stop', message: { refusal: 'No.' } }), 'refusal');
});

test('a stream that breaks off ends with an error event that the SDK throws', async () => {
  const stream = answersTo().stream();
  const begun = chunksOf(said({ content: 'Hello' }), 2)
    .slice(0, 3)
    .map((data) => stream.push(data))
    .join('');
  await assert.rejects(
    final(begun + stream.fail({ message: 'it broke', code: 'upstream_error' })),
    (error: unknown) => {
      assert.ok(error instanceof Anthropic.APIError);
      assert.deepEqual(error.error, {
        type: 'error',
        error: { type: 'api_error', message: 'it broke', code: 'upstream_error' },
      });
      return true;
    },
  );
});

test('tools with names that chat does not take keep them: offered, chosen, called, and sent back', async () => {
  const name = `mcp__${'server'.repeat(15)}__tool`;
  const other = `${name}2`;
  const tools = [name, other].map((each) => ({ name: each, input_schema: { type: 'object' as const } }));
  const request = { ...BASE, tools, tool_choice: { type: 'tool' as const, name: other } };
  const { body, answers } = toChat(request, PLAIN_CHAT);
  const [first, second] = (body.tools as { function: { name: string } }[]).map(
    (tool) => tool.function.name,
  ) as [string, string];
  assert.ok(first.length <= 64 && second.length <= 64 && first !== second);
  assert.deepEqual(body.tool_choice, { type: 'function', function: { name: second } });
  const calls = [{ id: 'a', name: second, args: '{}' }];
  const message = await final(translated(answers, chunksOf(said({ calls, finish: 'tool_calls' }), 5)));
  assert.partialDeepStrictEqual(message.content[0], { type: 'tool_use', name: other });
  const again = toChat(
    { ...request, messages: [{ role: 'assistant', content: message.content }] },
    PLAIN_CHAT,
  );
  assert.match(JSON.stringify(again.body.messages), new RegExp(`"name":"${second}"`));
});

test('a prompt that is too long is told in the words that agents look for', () => {
  const code = 'context_length_exceeded';
  const told = (message: string) => (errorBody(400, { message, code }).error as { message: string }).message;
  const ours =
    "This model's maximum context length is 8192 tokens. However, your messages resulted in about 9000 tokens. Please";
  assert.equal(told(ours), 'prompt is too long: 9000 tokens > 8192 maximum');
  const servers =
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages";
  assert.equal(told(servers), 'prompt is too long: 5000 tokens > 4096 maximum');
  assert.match(told('no numbers'), /^prompt is too long: no numbers/);
});

test('arguments that are no object are passed under a name that says so', () => {
  const answer = said({ calls: [{ id: 'a', name: 'f', args: 'not json' }], finish: 'tool_calls' });
  const { content } = answersTo().whole(completionOf(answer)) as { content: { input: unknown }[] };
  assert.deepEqual(content[0]!.input, { invalid_arguments: 'not json' });
});
