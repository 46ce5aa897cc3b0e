/** Requests in the shape that coding agents send, turn by turn, and what they need to read in the answers. */
import type { Check } from './suites.ts';
import type { World } from './world.ts';

interface Event {
  readonly type: string;
  readonly [more: string]: unknown;
}

async function check(name: string, run: () => Promise<void>): Promise<Check> {
  try {
    await run();
    return { check: name, ok: true };
  } catch (error) {
    return { check: name, ok: false, error: (error as Error).message.slice(0, 400) };
  }
}

function must(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

async function events(
  url: string,
  path: string,
  headers: Record<string, string>,
  body: object,
): Promise<Event[]> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  must(response.status === 200, `${response.status}: ${text.slice(0, 300)}`);
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map((line) => JSON.parse(line.slice(6)) as Event);
}

const REMINDER =
  '<system-reminder>\nAs you answer, you can use the context of CLAUDE.md: use tabs.\n</system-reminder>';
const ASK = 'The tests in src/list.test.ts fail since yesterday. Find out why and fix it.';

/** Claude Code: Messages, streamed, with tools, cached system blocks and ids in metadata. */
export async function claudeCode({ url, key }: World): Promise<Check[]> {
  const headers = {
    'x-api-key': key,
    'anthropic-version': '2023-06-01',
    'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14',
    'x-app': 'cli',
    'user-agent': 'claude-cli/2.0.0 (external, cli)',
  };
  const tools = ['Bash', 'Read', 'Edit'].map((name) => ({
    name,
    description: `The tool ${name}`,
    input_schema: {
      type: 'object',
      properties: { command: { type: 'string' } },
      required: ['command'],
      additionalProperties: false,
    },
  }));
  const base = {
    model: 'auto',
    max_tokens: 32_000,
    stream: true,
    system: [
      {
        type: 'text',
        text: 'You are Claude Code, an agent in a terminal.',
        cache_control: { type: 'ephemeral' },
      },
      {
        type: 'text',
        text: `Environment: linux\n${'Rules of work. '.repeat(200)}`,
        cache_control: { type: 'ephemeral' },
      },
    ],
    tools,
    metadata: { user_id: 'user_0123_account__session_4567' },
    thinking: { type: 'enabled', budget_tokens: 10_000 },
  };
  const path = '/v1/messages?beta=true';
  let call: { id: string; name: string } | null = null;
  return [
    await check('first turn calls a tool', async () => {
      const messages = [
        {
          role: 'user',
          content: [
            { type: 'text', text: REMINDER },
            { type: 'text', text: ASK },
          ],
        },
      ];
      const seen = await events(url, path, headers, { ...base, messages });
      must(
        seen[0]!.type === 'message_start' && seen.at(-1)!.type === 'message_stop',
        seen.map(({ type }) => type).join(),
      );
      const begun = seen.find(
        ({ type, content_block: block }) =>
          type === 'content_block_start' && (block as Event).type === 'tool_use',
      );
      must(begun, 'no tool_use block');
      call = begun.content_block as unknown as { id: string; name: string };
      const pieces = seen.filter(({ delta }) => (delta as Event | undefined)?.type === 'input_json_delta');
      must(
        JSON.parse(pieces.map(({ delta }) => (delta as Event).partial_json).join('')).command,
        'no arguments',
      );
      const ended = seen.find(({ type }) => type === 'message_delta')!;
      must((ended.delta as Event).stop_reason === 'tool_use', 'stop reason');
    }),
    await check('second turn takes the tool’s result', async () => {
      must(call, 'there was no call');
      const messages = [
        { role: 'user', content: ASK },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'I will look.' },
            { type: 'tool_use', id: call.id, name: call.name, input: { command: 'ls' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: call.id, content: [{ type: 'text', text: 'list.test.ts' }] },
            { type: 'text', text: REMINDER },
          ],
        },
      ];
      const seen = await events(url, path, headers, { ...base, messages, tools });
      must(seen.at(-1)!.type === 'message_stop', 'no end');
    }),
    await check('title on the side', async () => {
      const seen = await events(url, path, headers, {
        model: 'auto',
        max_tokens: 512,
        stream: true,
        system: [
          {
            type: 'text',
            text: 'Give a title of two or three words as JSON with the fields isNewTopic and title.',
          },
        ],
        messages: [{ role: 'user', content: ASK }],
      });
      must(
        seen.some(({ delta }) => (delta as Event | undefined)?.type === 'text_delta'),
        'no text',
      );
    }),
    await check('count_tokens', async () => {
      const response = await fetch(`${url}/v1/messages/count_tokens?beta=true`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: ASK }], tools }),
      });
      const { input_tokens } = (await response.json()) as { input_tokens?: number };
      must(response.status === 200 && Number(input_tokens) > 10, `${response.status} ${input_tokens}`);
    }),
  ];
}

/** Codex: Responses, streamed, stateless, with function and custom tools and encrypted reasoning asked for. */
export async function codex({ url, key }: World): Promise<Check[]> {
  const headers = {
    authorization: `Bearer ${key}`,
    'user-agent': 'codex_cli_rs/0.50.0',
    originator: 'codex_cli_rs',
    session_id: 'a1b2',
  };
  const tools = [
    {
      type: 'function',
      name: 'shell',
      description: 'Runs a command',
      strict: false,
      parameters: {
        type: 'object',
        properties: { command: { type: 'array', items: { type: 'string' } } },
        required: ['command'],
      },
    },
  ];
  const message = (role: string, text: string) => ({
    type: 'message',
    role,
    content: [{ type: 'input_text', text }],
  });
  const base = {
    model: 'auto',
    instructions: 'You are Codex, a coding agent.',
    tools,
    tool_choice: 'auto',
    parallel_tool_calls: false,
    reasoning: { effort: 'medium', summary: 'auto' },
    store: false,
    stream: true,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: 'a1b2',
  };
  const start = [
    message('developer', '<permissions>read only</permissions>'),
    message('user', '<environment_context>cwd: /x</environment_context>'),
    message('user', ASK),
  ];
  let call: { call_id: string; name: string; arguments: string } | null = null;
  return [
    await check('first turn calls a function', async () => {
      const seen = await events(url, '/v1/responses', headers, { ...base, input: start });
      must(
        seen[0]!.type === 'response.created' && seen.at(-1)!.type === 'response.completed',
        seen.map(({ type }) => type).join(),
      );
      const done = seen.find(
        ({ type, item }) => type === 'response.output_item.done' && (item as Event).type === 'function_call',
      );
      must(done, 'no function call');
      call = done.item as unknown as typeof call;
      must(Array.isArray(JSON.parse(call!.arguments).command), 'arguments');
    }),
    await check('second turn takes its output', async () => {
      must(call, 'there was no call');
      const input = [
        ...start,
        { type: 'function_call', call_id: call.call_id, name: call.name, arguments: call.arguments },
        { type: 'function_call_output', call_id: call.call_id, output: 'ok' },
      ];
      const seen = await events(url, '/v1/responses', headers, { ...base, input });
      must(
        seen.some(({ type }) => type === 'response.output_text.delta'),
        'no text',
      );
      must(seen.at(-1)!.type === 'response.completed', 'no end');
    }),
  ];
}
