/** Responses requests as chat completions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyJson } from '../../testing.ts';
import { PLAIN_CHAT } from '../dialect.ts';
import { completionOf, saidArbitrary } from '../testing.ts';
import { toChat } from './request.ts';

const chat = (request: object, more: object = {}) =>
  toChat({ model: 'auto', ...request }, { ...PLAIN_CHAT, ...more });
const messagesOf = (request: object, more: object = {}) => {
  const { body, refusals } = chat(request, more);
  assert.deepEqual(refusals, []);
  return body.messages;
};
const refused = (request: object) => chat({ input: 'hi', ...request }).refusals.map(({ param }) => param);

test('text and items become messages; what instructs comes first, as one message', () => {
  assert.deepEqual(messagesOf({ input: 'hi' }), [{ role: 'user', content: 'hi' }]);
  assert.deepEqual(
    messagesOf({
      instructions: 'be short',
      input: [
        { role: 'developer', content: [{ type: 'input_text', text: 'no jokes' }] },
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_text', text: 'a' },
            { type: 'input_text', text: 'b' },
          ],
        },
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'c', annotations: [] }],
        },
        { role: 'user', content: 'd' },
      ],
    }),
    [
      { role: 'system', content: 'be short\n\nno jokes' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      { role: 'assistant', content: 'c' },
      { role: 'user', content: 'd' },
    ],
  );
});

test('images and files go along as data and URL', () => {
  const content = [
    { type: 'input_text', text: 'what is it?' },
    { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'high' },
    { type: 'input_image', image_url: 'https://pictures.example/a.png', detail: 'auto' },
    { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' },
  ];
  assert.deepEqual(messagesOf({ input: [{ role: 'user', content }] }), [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'what is it?' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'high' } },
        { type: 'image_url', image_url: { url: 'https://pictures.example/a.png' } },
        { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' } },
      ],
    },
  ]);
});

test('an answer of any shape, sent back as input, is the assistant’s message that it came from', () => {
  fc.assert(
    fc.property(saidArbitrary, fc.boolean(), (answer, summary) => {
      const tools = ['look', 'write'].map((name) => ({
        type: 'function',
        name,
        parameters: null,
        strict: null,
      }));
      const request = { input: 'hi', tools, ...(summary && { reasoning: { summary: 'auto' } }) };
      const response = chat(request).answers.whole(completionOf(answer)) as { output: object[] };
      const [, message, ...rest] = messagesOf(
        { ...request, input: [{ role: 'user', content: 'hi' }, ...response.output] },
        { reasoning: true },
      ) as Record<string, unknown>[];
      const nothing = answer.content === '' && answer.calls.length === 0;
      if (nothing) return assert.equal(message, undefined);
      assert.deepEqual(rest, []);
      const expected = (completionOf(answer) as { choices: { message: object }[] }).choices[0]!.message;
      assert.deepEqual(message, expected);
    }),
    { numRuns: 200 },
  );
});

test('a tool’s answer stands right after its call, and its pictures after the last answer', () => {
  const call = (call_id: string) => ({ type: 'function_call', call_id, name: 'look', arguments: '{}' });
  const picture = { type: 'input_image', image_url: 'data:image/png;base64,AAAA' };
  const messages = messagesOf({
    input: [
      { role: 'user', content: 'look' },
      call('a'),
      { role: 'user', content: 'hurry' },
      call('b'),
      {
        type: 'function_call_output',
        call_id: 'b',
        output: [{ type: 'input_text', text: 'seen b' }, picture],
      },
      { type: 'function_call_output', call_id: 'a', output: 'seen a' },
    ],
  }) as { role: string; content: unknown; tool_call_id?: string }[];
  assert.deepEqual(
    messages.map(({ role, tool_call_id }) => tool_call_id ?? role),
    ['user', 'assistant', 'a', 'user', 'assistant', 'b', 'user'],
  );
  assert.deepEqual(messages.at(-1)!.content, [
    { type: 'text', text: 'What the tool returned:' },
    { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
  ]);
});

test('settings keep their meaning', () => {
  const { body, dropped } = chat({
    input: 'hi',
    stream: true,
    temperature: 0,
    top_p: 0.5,
    max_output_tokens: 10,
    reasoning: { effort: 'low', summary: 'auto' },
    text: {
      verbosity: 'low',
      format: { type: 'json_schema', name: 'n', strict: true, schema: { type: 'object' } },
    },
    include: ['message.output_text.logprobs', 'reasoning.encrypted_content', 'file_search_call.results'],
    top_logprobs: 2,
    safety_identifier: 'u',
    store: true,
    metadata: { a: '1' },
    truncation: 'auto',
    some_day: 1,
  });
  assert.deepEqual(body, {
    model: 'auto',
    messages: [{ role: 'user', content: 'hi' }],
    stream: true,
    temperature: 0,
    top_p: 0.5,
    max_tokens: 10,
    verbosity: 'low',
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'n', strict: true, schema: { type: 'object' } },
    },
    reasoning_effort: 'low',
    logprobs: true,
    top_logprobs: 2,
    user: 'u',
  });
  assert.deepEqual([...dropped].sort(), ['include.file_search_call.results', 'some_day', 'truncation']);
  const other = chat(
    { input: 'hi', max_output_tokens: 10, reasoning: { effort: 'low' } },
    { maxTokens: 'max_completion_tokens', effort: false },
  );
  assert.equal(other.body.max_completion_tokens, 10);
  assert.equal(other.body.reasoning_effort, undefined);
  assert.deepEqual(other.dropped, ['reasoning.effort']);
});

test('what a chat completion can’t give is refused by its name and place', () => {
  assert.deepEqual(refused({ previous_response_id: 'resp_1' }), ['previous_response_id']);
  assert.deepEqual(refused({ conversation: 'conv_1' }), ['conversation']);
  assert.deepEqual(refused({ background: true }), ['background']);
  assert.deepEqual(refused({ background: false, previous_response_id: null, store: false }), []);
  assert.deepEqual(refused({ prompt: { id: 'p' } }), ['prompt']);
  assert.deepEqual(refused({ tools: [{ type: 'mcp', server_label: 'x' }] }), ['tools[0]']);
  assert.deepEqual(refused({ tools: [{ type: 'no such tool' }] }), ['tools[0]']);
  assert.deepEqual(refused({ input: [{ type: 'item_reference', id: 'x' }] }), ['input[0]']);
  assert.deepEqual(refused({ input: [{ id: 'msg_1' }] }), ['input[0]']);
  assert.deepEqual(refused({ input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }] }), [
    'input[0].content[0]',
  ]);
  assert.deepEqual(refused({ input: 5 }), ['input']);
  assert.deepEqual(refused({ input: [{ role: 'wizard', content: 'x' }] }), ['input[0].role']);
  assert.deepEqual(refused({ text: { format: { type: 'yaml' } } }), ['text.format']);
  for (const { message, param } of chat({ input: [{ type: 'item_reference', id: 'x' }] }).refusals)
    assert.ok(message.startsWith(`'${param}': `) && message.length > 40, message);
});

test('a hosted tool is left out beside the client’s own, and refused where it is all there is or demanded', () => {
  const own = { type: 'function', name: 'f', parameters: {}, strict: false };
  const search = { type: 'web_search' };
  const beside = chat({ input: 'hi', tools: [own, search] });
  assert.deepEqual(beside.refusals, []);
  assert.deepEqual(beside.dropped, ['tools.web_search']);
  assert.equal((beside.body.tools as object[]).length, 1);
  assert.deepEqual(refused({ tools: [search] }), ['tools[0]']);
  assert.deepEqual(refused({ tools: [own, search], tool_choice: { type: 'web_search' } }), ['tool_choice']);
});

test('tool choice: words, one by name, several that are allowed', () => {
  const tools = ['f', 'g'].map((name) => ({ type: 'function', name, parameters: {}, strict: true }));
  const choose = (tool_choice: unknown) => {
    const { body } = chat({ input: 'hi', tools, tool_choice, parallel_tool_calls: false });
    return [body.tool_choice, (body.tools as object[]).length, body.parallel_tool_calls];
  };
  assert.deepEqual(choose('required'), ['required', 2, false]);
  assert.deepEqual(choose({ type: 'function', name: 'g' }), [
    { type: 'function', function: { name: 'g' } },
    2,
    false,
  ]);
  assert.deepEqual(
    choose({ type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'g' }] }),
    ['required', 1, false],
  );
});

test('what is of another shape than it must be is refused, and does not vanish', () => {
  const look = { type: 'function', name: 'look' };
  for (const [request, param] of [
    [{ instructions: [{ role: 'system', content: 'be short' }] }, 'instructions'],
    [{ tools: { look } }, 'tools'],
    [{ text: 'json' }, 'text'],
    [{ text: { format: 'json_object' } }, 'text.format'],
    [{ reasoning: 'high' }, 'reasoning'],
    [{ include: 'reasoning.encrypted_content' }, 'include'],
    [{ tools: [look], tool_choice: { type: 'function' } }, 'tool_choice'],
    [{ tools: [look], tool_choice: { type: 'function', name: 'find' } }, 'tool_choice'],
  ] as const)
    assert.deepEqual(refused(request), [param], JSON.stringify(request));
  for (const nothing of [{ instructions: null }, { tools: null }, { text: null }, { reasoning: null }])
    assert.deepEqual(refused(nothing), []);
});

test('any JSON at all gives a translation or refusals, never an exception', () => {
  const anything = anyJson(3);
  const item = fc.record(
    {
      type: fc.constantFrom(
        'message',
        'function_call',
        'function_call_output',
        'reasoning',
        'shell_call',
        'shell_call_output',
        'apply_patch_call',
        'custom_tool_call',
        'additional_tools',
      ),
      role: anything,
      content: anything,
      output: anything,
      action: anything,
      operation: anything,
      tools: anything,
      call_id: anything,
      name: anything,
    },
    { requiredKeys: ['type'] },
  );
  const request = fc.record(
    {
      input: fc.oneof(anything, fc.array(fc.oneof(item, anything))),
      tools: fc.oneof(
        anything,
        fc.array(
          fc.oneof(
            anything,
            fc.record({
              type: fc.constantFrom('function', 'custom', 'namespace', 'shell', 'mcp'),
              name: anything,
              tools: anything,
              environment: anything,
              format: anything,
            }),
          ),
        ),
      ),
      tool_choice: anything,
      text: anything,
      reasoning: anything,
      include: anything,
      instructions: anything,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(request, (given) => {
      const { body } = toChat(given, { ...PLAIN_CHAT, reasoning: true });
      assert.ok(Array.isArray(body.messages));
      JSON.stringify(body);
    }),
    { numRuns: 500 },
  );
});
