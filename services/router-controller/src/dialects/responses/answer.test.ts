/** What the openai SDK makes of answers that were chat completions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import OpenAI from 'openai';
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
import { toChat } from './request.ts';

const FUNCTIONS = ['look', 'write'].map((name) => ({
  type: 'function',
  name,
  parameters: {},
  strict: false,
}));
const answersTo = (request: object) => toChat({ model: 'auto', input: 'hi', ...request }, PLAIN_CHAT).answers;
const said = (more: Partial<Said>): Said => ({
  reasoning: '',
  content: '',
  calls: [],
  finish: 'stop',
  ...more,
});

/** Without what is new each time. */
function settled(response: object): object {
  const text = JSON.stringify(response, (key, value) =>
    /^(?:id|created_at|completed_at)$/.test(key) ? 0 : value,
  );
  return JSON.parse(text);
}

const sdk = (body: string) =>
  new OpenAI({ apiKey: 'x', baseURL: 'http://router', fetch: answering(body), maxRetries: 0 });

async function final(body: string) {
  const stream = sdk(body).responses.stream({ model: 'auto', input: 'hi' });
  return stream.finalResponse();
}

test('the SDK’s stream helper ends with the response that the same completion gives whole, in any cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      saidArbitrary,
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      async (answer, size, summary) => {
        const request = { tools: FUNCTIONS, ...(summary && { reasoning: { summary: 'auto' } }) };
        const whole = answersTo(request).whole(completionOf(answer)) as { output: object[] };
        const streamed = await final(translated(answersTo(request), chunksOf(answer, size)));
        const text = JSON.stringify(settled(streamed), (key, value) =>
          /^(?:output_text|output_parsed|parsed|parsed_arguments)$/.test(key) ? undefined : value,
        );
        assert.deepEqual(JSON.parse(text), settled(whole));
      },
    ),
    { numRuns: 60 },
  );
});

test('events are numbered without gaps, every item and part that is added is done, in order', () => {
  fc.assert(
    fc.property(saidArbitrary, fc.integer({ min: 1, max: 40 }), (answer, size) => {
      const events = eventsOf(translated(answersTo({ tools: FUNCTIONS }), chunksOf(answer, size)));
      assert.deepEqual(
        events.map(({ data }) => data.sequence_number),
        events.map((_, at) => at),
      );
      for (const { name, data } of events) assert.equal(name, data.type);
      assert.deepEqual(
        events.slice(0, 2).map(({ name }) => name),
        ['response.created', 'response.in_progress'],
      );
      assert.match(events.at(-1)!.name, /^response\.(?:completed|incomplete)$/);
      const ids = (kind: string) =>
        events.filter(({ name }) => name === `response.output_item.${kind}`).map(({ data }) => data.item.id);
      assert.deepEqual(ids('done'), ids('added'));
      const parts = (kind: string) =>
        events.filter(({ name }) => name === `response.content_part.${kind}`).length;
      assert.equal(parts('done'), parts('added'));
      const output = events.at(-1)!.data.response.output;
      const done = events
        .filter(({ name }) => name === 'response.output_item.done')
        .map(({ data }) => data.item);
      assert.deepEqual(output, done);
    }),
    { numRuns: 200 },
  );
});

test('text, usage, and the client’s own settings come back', async () => {
  const request = { temperature: 0.5, metadata: { a: 'b' }, instructions: 'be short', max_output_tokens: 50 };
  const response = await final(
    translated(answersTo(request), chunksOf(said({ content: 'Hello there.' }), 3)),
  );
  assert.equal(response.output_text, 'Hello there.');
  assert.equal(response.status, 'completed');
  assert.equal(response.model, 'm');
  assert.equal(response.temperature, 0.5);
  assert.deepEqual(response.metadata, { a: 'b' });
  assert.equal(response.instructions, 'be short');
  assert.equal((response as { store?: boolean }).store, false);
  assert.deepEqual(response.usage, {
    input_tokens: 12,
    input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
    output_tokens: 9,
    output_tokens_details: { reasoning_tokens: 3 },
    total_tokens: 21,
  });
});

test('an answer that ran out of tokens is incomplete and says why', async () => {
  const response = await final(
    translated(answersTo({}), chunksOf(said({ content: 'Hel', finish: 'length' }), 3)),
  );
  assert.equal(response.status, 'incomplete');
  assert.deepEqual(response.incomplete_details, { reason: 'max_output_tokens' });
  assert.deepEqual(
    response.output.map((item) => 'status' in item && item.status),
    ['incomplete'],
  );
});

test('a stream that breaks off ends with response.failed and keeps what was said', async () => {
  const stream = answersTo({}).stream();
  const text = chunksOf(said({ content: 'Hello' }), 2)
    .slice(0, 3)
    .map((data) => stream.push(data))
    .join('');
  const all = text + stream.fail({ message: 'it broke', code: 'upstream_error' });
  const events = [];
  for await (const event of await sdk(all).responses.create({ model: 'auto', input: 'hi', stream: true }))
    events.push(event);
  const last = events.at(-1)!;
  assert.equal(last.type, 'response.failed');
  assert.ok(last.type === 'response.failed');
  assert.deepEqual({ ...last.response.error }, { code: 'server_error', message: 'it broke' });
  assert.match(JSON.stringify(last.response.output), /"Hell"/);
});

test('calls come back as the tools that the client offered: in a namespace, custom, shells, patches', async () => {
  const tools = [
    { type: 'namespace', name: 'mcp.files', description: '', tools: [FUNCTIONS[0]] },
    { type: 'custom', name: 'patch', format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' } },
    { type: 'local_shell' },
    { type: 'apply_patch' },
  ];
  const { body, answers } = toChat({ model: 'auto', input: 'hi', tools }, PLAIN_CHAT);
  const names = (body.tools as { function: { name: string } }[]).map((tool) => tool.function.name);
  assert.deepEqual(
    names.map((name) => name.replace(/^mcp_files__look_[\da-f]{8}$/, 'in the namespace')),
    ['in the namespace', 'patch', 'local_shell', 'apply_patch'],
  );
  const calls = [
    { id: 'a', name: names[0]!, args: '{"x":1}' },
    { id: 'b', name: 'patch', args: '{"input":"*** Begin\\nPatch"}' },
    { id: 'c', name: 'local_shell', args: '{"command":["ls","-l"],"timeout_ms":5}' },
    { id: 'd', name: 'apply_patch', args: '{"type":"delete_file","path":"a.txt"}' },
  ];
  const text = translated(answers, chunksOf(said({ calls, finish: 'tool_calls' }), 4));
  const { output } = await final(text);
  const plain = output.map(({ id: _id, ...item }) => item);
  assert.partialDeepStrictEqual(plain, [
    { type: 'function_call', call_id: 'a', name: 'look', namespace: 'mcp.files', arguments: '{"x":1}' },
    { type: 'custom_tool_call', call_id: 'b', name: 'patch', input: '*** Begin\nPatch' },
    {
      type: 'local_shell_call',
      call_id: 'c',
      action: { type: 'exec', command: ['ls', '-l'], timeout_ms: 5, env: {} },
    },
    { type: 'apply_patch_call', call_id: 'd', operation: { type: 'delete_file', path: 'a.txt' } },
  ]);
  assert.ok(eventsOf(text).some(({ name }) => name === 'response.custom_tool_call_input.done'));
  // And the same items, sent back with their outputs, are the same calls.
  const outputs = [
    { type: 'function_call_output', call_id: 'a', output: 'ra' },
    { type: 'custom_tool_call_output', call_id: 'b', output: 'rb' },
    { type: 'local_shell_call_output', id: 'c', output: 'rc' },
    { type: 'apply_patch_call_output', call_id: 'd', status: 'completed', output: 'rd' },
  ];
  const again = toChat(
    { input: [{ role: 'user', content: 'hi' }, ...output, ...outputs], tools },
    PLAIN_CHAT,
  );
  const [, assistant, ...results] = again.body.messages as Record<string, unknown>[];
  assert.deepEqual(again.refusals, []);
  assert.deepEqual(
    (assistant!.tool_calls as { id: string; function: { name: string; arguments: string } }[]).map((call) => [
      call.id,
      call.function.name,
      JSON.parse(call.function.arguments),
    ]),
    calls.map(({ id, name, args }) => [
      id,
      name,
      name === 'local_shell' ? { ...JSON.parse(args), env: {} } : JSON.parse(args),
    ]),
  );
  assert.deepEqual(
    results,
    ['a', 'b', 'c', 'd'].map((id) => ({ role: 'tool', tool_call_id: id, content: `r${id}` })),
  );
});

test('a refusal is one', async () => {
  const completion = {
    choices: [{ message: { role: 'assistant', content: null, refusal: 'I can’t.' }, finish_reason: 'stop' }],
  };
  const { output } = answersTo({}).whole(completion) as { output: { content: object[] }[] };
  assert.deepEqual(output[0]!.content, [{ type: 'refusal', refusal: 'I can’t.' }]);
});

test('servers that give parallel calls the index 0, or a name after the id, are understood', async () => {
  const chunk = (tool_calls: object[]) =>
    JSON.stringify({ choices: [{ index: 0, delta: { tool_calls }, finish_reason: null }] });
  const text = translated(answersTo({ tools: FUNCTIONS }), [
    chunk([{ index: 0, id: 'a', function: { name: 'look', arguments: '{}' } }]),
    chunk([{ index: 0, id: 'b', function: { name: 'write', arguments: '{"x"' } }]),
    chunk([{ index: 0, function: { arguments: ':1}' } }]),
    chunk([{ index: 1, id: 'c', function: { arguments: '' } }]),
    chunk([{ index: 1, function: { name: 'look', arguments: '[]' } }]),
  ]);
  const { output } = await final(text);
  assert.deepEqual(
    output.map((item) => item.type === 'function_call' && [item.call_id, item.name, item.arguments]),
    [
      ['a', 'look', '{}'],
      ['b', 'write', '{"x":1}'],
      ['c', 'look', '[]'],
    ],
  );
});

test('parallel calls that come whole, without an id and under one index or none, are told apart', async () => {
  for (const chunks of callsWithoutIds) {
    const { output } = await final(translated(answersTo({ tools: FUNCTIONS }), [...chunks]));
    const calls = output.flatMap((item) => (item.type === 'function_call' ? [item] : []));
    assert.deepEqual(
      calls.map((each) => each.arguments),
      ['{"x":"a"}', '{"x":"b"}', '{"x":"a"}'],
    );
    assert.equal(new Set(calls.map((each) => each.call_id)).size, 3);
  }
});

test('sources of a text stand at it, in a stream as in a whole answer', async () => {
  const source = { url: 'https://a.example/', title: 'A', start_index: 0, end_index: 5 };
  const annotations = [
    { type: 'url_citation', url_citation: source },
    { type: 'url_citation', url_citation: { title: 'no address' } },
    { type: 'file', file: {} },
    null,
  ];
  const told = [{ type: 'url_citation', ...source }];
  const message = { role: 'assistant', content: 'Hello', annotations };
  const whole = answersTo({}).whole({ choices: [{ index: 0, message, finish_reason: 'stop' }] });
  const chunk = (delta: object, finish_reason: string | null = null) =>
    JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] });
  const text = translated(answersTo({}), [
    chunk({ content: 'Hello' }),
    chunk({ annotations }),
    chunk({ content: ', you' }),
    chunk({}, 'stop'),
    '[DONE]',
  ]);
  const streamed = await final(text);
  for (const { output } of [whole as typeof streamed, streamed]) {
    assert.partialDeepStrictEqual(output[0], { content: [{ type: 'output_text', annotations: told }] });
  }
  const added = eventsOf(text).filter(({ name }) => name === 'response.output_text.annotation.added');
  assert.deepEqual(
    added.map(({ data }) => [data.content_index, data.annotation_index, data.annotation]),
    [[0, 0, told[0]]],
  );
});

test('counts that can be none are 0, and every sum of them is a number', () => {
  for (const lie of [1e308, Number.MAX_VALUE, -3, '5', null, { a: 1 }, [1]]) {
    const completion = {
      choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: lie, completion_tokens: lie, prompt_tokens_details: { cached_tokens: lie } },
    };
    const { usage } = answersTo({}).whole(completion) as { usage: Record<string, unknown> };
    assert.partialDeepStrictEqual(usage, { input_tokens: 0, output_tokens: 0, total_tokens: 0 });
  }
});

test('an answer that is no chat completion is none', () => {
  assert.throws(() => answersTo({}).whole({ object: 'list', data: [] }), /without a chat completion/);
});

test('what is long in a request is not repeated in each event', () => {
  const long = 'x'.repeat(20_000);
  const request = {
    instructions: long,
    metadata: { long },
    tools: [{ ...FUNCTIONS[0], description: long }],
    user: long,
  };
  const text = translated(answersTo(request), chunksOf(said({ content: 'Hi' }), 9));
  assert.ok(text.length < 20_000, String(text.length));
  const { response } = eventsOf(text).at(-1)!.data;
  assert.deepEqual(
    [response.instructions, response.metadata, response.tools, response.user],
    [null, {}, [], null],
  );
});
