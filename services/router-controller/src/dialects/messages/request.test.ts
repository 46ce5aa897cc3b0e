/** Messages requests as chat completions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyJson } from '../../testing.ts';
import { PLAIN_CHAT } from '../dialect.ts';
import { completionOf, saidArbitrary } from '../testing.ts';
import { toChat } from './request.ts';

const chat = (request: object, more: object = {}) =>
  toChat(
    { model: 'auto', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }], ...request },
    { ...PLAIN_CHAT, ...more },
  );
const messagesOf = (messages: object[], more: object = {}) => {
  const { body, refusals } = chat({ messages, ...more }, { reasoning: true });
  assert.deepEqual(refusals, []);
  return body.messages as Record<string, unknown>[];
};
const refused = (request: object) => chat(request).refusals.map(({ param }) => param);
const userSays = (...content: object[]) => [{ role: 'user', content }];

test('system and messages; blocks of the system are one text, without what changes every time', () => {
  const system = [
    { type: 'text', text: 'x-anthropic-billing-header: cc_version=1; cch=abc;' },
    { type: 'text', text: 'be short', cache_control: { type: 'ephemeral' } },
    { type: 'text', text: 'no jokes' },
  ];
  assert.deepEqual(
    messagesOf(
      [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
        ...userSays({ type: 'text', text: 'c' }),
      ],
      { system },
    ),
    [
      { role: 'system', content: 'be short\n\nno jokes' },
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
      { role: 'user', content: 'c' },
    ],
  );
  assert.deepEqual(messagesOf([], { system: 'x' }), [{ role: 'system', content: 'x' }]);
});

test('images and documents go along as data and URL, and as text', () => {
  const content = [
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
    { type: 'image', source: { type: 'url', url: 'https://pictures.example/a.png' } },
    { type: 'document', title: 'T', source: { type: 'base64', media_type: 'application/pdf', data: 'BBBB' } },
    { type: 'document', title: 'T', source: { type: 'text', media_type: 'text/plain', data: 'words' } },
    { type: 'search_result', title: 'S', source: 'here', content: [{ type: 'text', text: 'found' }] },
  ];
  assert.deepEqual(messagesOf(userSays(...content)), [
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        { type: 'image_url', image_url: { url: 'https://pictures.example/a.png' } },
        { type: 'file', file: { filename: 'T', file_data: 'data:application/pdf;base64,BBBB' } },
        { type: 'text', text: 'T\nwords' },
        { type: 'text', text: 'S\nhere\nfound' },
      ],
    },
  ]);
});

test('results of tools come right after their calls, then their pictures and the user’s words', () => {
  const messages = messagesOf([
    { role: 'user', content: 'look' },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'I look.' },
        { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } },
        { type: 'tool_use', id: 'b', name: 'g', input: {} },
      ],
    },
    ...userSays(
      { type: 'text', text: 'go on' },
      {
        type: 'tool_result',
        tool_use_id: 'a',
        content: [
          { type: 'text', text: 'one' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
        ],
      },
      { type: 'tool_result', tool_use_id: 'b', content: 'no such file', is_error: true },
    ),
  ]);
  assert.deepEqual(messages, [
    { role: 'user', content: 'look' },
    {
      role: 'assistant',
      content: 'I look.',
      tool_calls: [
        { id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
        { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'a', content: 'one' },
    { role: 'tool', tool_call_id: 'b', content: 'Error: no such file' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What the tool returned:' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        { type: 'text', text: 'go on' },
      ],
    },
  ]);
});

test('an answer of any shape, sent back as a message, is the assistant’s message that it came from', () => {
  fc.assert(
    fc.property(saidArbitrary, (answer) => {
      const { content } = chat({ thinking: { type: 'adaptive' } }).answers.whole(completionOf(answer)) as {
        content: object[];
      };
      const [, message] = messagesOf([
        { role: 'user', content: 'hi' },
        { role: 'assistant', content },
      ]);
      const expected = (completionOf(answer) as { choices: { message: { content: string | null } }[] })
        .choices[0]!.message;
      assert.deepEqual(message, {
        ...expected,
        content: answer.calls.length > 0 ? expected.content : (expected.content ?? ''),
      });
    }),
    { numRuns: 200 },
  );
});

test('settings keep their meaning', () => {
  const { body, dropped, refusals } = chat({
    stream: true,
    temperature: 0,
    top_k: 5,
    stop_sequences: ['###'],
    metadata: { user_id: 'u' },
    thinking: { type: 'enabled', budget_tokens: 4000 },
    output_config: { format: { type: 'json_schema', schema: { type: 'object' } } },
    tools: [
      { name: 'f', description: 'd', input_schema: { type: 'object' }, cache_control: { type: 'ephemeral' } },
      { type: 'bash_20250124', name: 'bash' },
      { type: 'text_editor_20250728', name: 'str_replace_based_edit_tool' },
      { type: 'web_search_20250305', name: 'web_search' },
    ],
    tool_choice: { type: 'any', disable_parallel_tool_use: true },
    context_management: { edits: [] },
    some_day: 1,
  });
  assert.deepEqual(refusals, []);
  const { tools, messages, ...settings } = body;
  assert.deepEqual(settings, {
    model: 'auto',
    stream: true,
    max_tokens: 9,
    temperature: 0,
    stop: ['###'],
    user: 'u',
    reasoning_effort: 'medium',
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'answer', schema: { type: 'object' }, strict: true },
    },
    tool_choice: 'required',
    parallel_tool_calls: false,
  });
  assert.deepEqual((tools as object[])[0], {
    type: 'function',
    function: { name: 'f', description: 'd', parameters: { type: 'object' } },
  });
  assert.deepEqual(
    (tools as { function: { name: string } }[]).map((tool) => tool.function.name),
    ['f', 'bash', 'str_replace_based_edit_tool'],
  );
  assert.deepEqual([...dropped].sort(), ['context_management', 'some_day', 'tools.web_search', 'top_k']);
  assert.equal(
    chat({ output_config: { effort: 'max' }, thinking: { type: 'adaptive' } }).body.reasoning_effort,
    'max',
  );
  assert.equal(chat({ thinking: { type: 'adaptive' } }).body.reasoning_effort, undefined);
});

test('what a chat completion can’t give is refused by its name and place', () => {
  assert.deepEqual(refused({ container: 'c' }), ['container']);
  assert.deepEqual(refused({ mcp_servers: [{ url: 'x' }] }), ['mcp_servers']);
  assert.deepEqual(refused({ inference_geo: 'eu' }), ['inference_geo']);
  assert.deepEqual(refused({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }), ['tools[0]']);
  assert.deepEqual(refused({ tools: [{ type: 'computer_20250124', name: 'computer' }] }), ['tools[0]']);
  assert.deepEqual(
    refused({ messages: userSays({ type: 'image', source: { type: 'file', file_id: 'f' } }) }),
    ['messages[0].content[0]'],
  );
  assert.deepEqual(refused({ messages: userSays({ type: 'hologram' }) }), ['messages[0].content[0]']);
  assert.deepEqual(refused({ messages: 'x' }), ['messages']);
  assert.deepEqual(refused({ messages: [{ role: 'tool', content: 'x' }] }), ['messages[0].role']);
  assert.deepEqual(refused({ tool_choice: { type: 'some' }, tools: [{ name: 'f', input_schema: {} }] }), [
    'tool_choice',
  ]);
});

test('what is of another shape than it must be is refused, and does not vanish', () => {
  const look = { name: 'look', input_schema: {} };
  const search = { type: 'web_search_20250305', name: 'web_search' };
  const user = { role: 'user', content: 'x' };
  for (const [request, param] of [
    [{ system: { type: 'text', text: 'be short' } }, 'system'],
    [{ system: 5 }, 'system'],
    [{ tools: look }, 'tools'],
    [{ thinking: 'enabled' }, 'thinking'],
    [{ output_config: 'json' }, 'output_config'],
    [{ metadata: 'me' }, 'metadata'],
    [{ messages: [user, { role: 'assistant', content: { text: 'y' } }, user] }, 'messages[1].content'],
    [
      { messages: userSays({ type: 'tool_result', tool_use_id: 'a', content: { rows: 3 } }) },
      'messages[0].content[0].content',
    ],
    // A call that is demanded can be made, or it is another request.
    [{ tool_choice: { type: 'any' } }, 'tool_choice'],
    [{ tools: [look], tool_choice: { type: 'tool', name: 'find' } }, 'tool_choice'],
    [{ tools: [look, search], tool_choice: { type: 'tool', name: 'web_search' } }, 'tool_choice'],
  ] as const)
    assert.deepEqual(refused(request), [param], JSON.stringify(request));
  assert.match(chat({ system: 5 }).refusals[0]!.message, /'system': must be a string or a list/);
  for (const nothing of [
    { system: null },
    { tools: null },
    { thinking: null },
    { tool_choice: { type: 'auto' } },
  ])
    assert.deepEqual(refused(nothing), []);
});

test('any JSON at all gives a translation or refusals, never an exception', () => {
  const anything = anyJson(3);
  const block = fc.record(
    {
      type: fc.constantFrom(
        'text',
        'image',
        'document',
        'search_result',
        'tool_use',
        'tool_result',
        'thinking',
      ),
      text: anything,
      source: anything,
      content: anything,
      input: anything,
      id: anything,
      tool_use_id: anything,
    },
    { requiredKeys: ['type'] },
  );
  const message = fc.record({
    role: fc.constantFrom('user', 'assistant', 'system'),
    content: fc.oneof(anything, fc.array(fc.oneof(block, anything))),
  });
  fc.assert(
    fc.property(
      fc.record(
        {
          messages: fc.oneof(anything, fc.array(fc.oneof(message, anything))),
          system: anything,
          tools: anything,
          tool_choice: anything,
          thinking: anything,
          output_config: anything,
          metadata: anything,
        },
        { requiredKeys: [] },
      ),
      (given) => {
        const { body } = toChat(given, { ...PLAIN_CHAT, reasoning: true });
        assert.ok(Array.isArray(body.messages));
        JSON.stringify(body);
      },
    ),
    { numRuns: 500 },
  );
});
