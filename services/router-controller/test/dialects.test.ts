/** Responses and Messages through a whole router, with the SDKs that people use, on targets that speak them and on ones that don't. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import type { CustomAnswer, Seen } from '@llm-router/stand-in-llms';
import fc from 'fast-check';
import OpenAI from 'openai';
import { hashKey } from '../src/authenticate/index.ts';
import { favour, scriptedClassifier, startWhole, type Whole } from './harness.ts';

const CONFIG = `
auth: { mode: open }
upstream: { retry_first_ms: 1, breaker_failures: 100 }
targets:
  - { name: chatty, api_base: '{LLM}', api_key: upstream-key, model: chatty }
  - { name: blind, api_base: '{LLM}', model: blind, capabilities: { vision: false } }
  - { name: broken, api_base: '{LLM}', model: 'broken#fault=status:500' }
  - { name: both, api_base: '{LLM}', api_key: upstream-key, model: both, apis: [chat, responses, messages], key_header: x-api-key }
  - { name: small, api_base: '{LLM}', model: small, capabilities: { context_tokens: 2000 } }
  - { name: strict, api_base: '{LLM}', model: strict, max_tokens_as: max_completion_tokens, reasoning_input: true, capabilities: { reasoning_effort: false } }
default_policy: p
policies:
  - name: p
    url: grpc://127.0.0.1:1/m
    retry_budget: { attempts: 2 }
    llms:
      - { name: Chatty, target: chatty }
      - { name: Blind, target: blind }
      - { name: Both, target: both }
      - { name: Mixed, target: broken, fallbacks: [both] }
      - { name: Back, target: broken, fallbacks: [chatty] }
      - { name: Broken, target: broken }
      - { name: Strict, target: strict }
      - { name: Small, target: small }
`;

const LABELS = ['Chatty', 'Blind', 'Both', 'Mixed', 'Back', 'Broken', 'Strict', 'Small'];

const FUNCTION = {
  type: 'function' as const,
  name: 'look',
  parameters: { type: 'object', properties: {} },
  strict: false,
};
const TOOL = { name: 'look', input_schema: { type: 'object' as const, properties: {} } };

let whole: Whole;
let openai: OpenAI;
let anthropic: Anthropic;
let respond: ((seen: Seen) => CustomAnswer | null) | null = null;

const json = (value: unknown, status = 200): CustomAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  chunks: [Buffer.from(JSON.stringify(value))],
});
const events = (...chunks: string[]): CustomAnswer => ({ chunks: chunks.map((chunk) => Buffer.from(chunk)) });
const chunk = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const seen = () => whole.llms.seen.at(-1)!;

before(async () => {
  whole = await startWhole({
    config: CONFIG,
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'Chatty')),
    llms: { respond: (request) => respond?.(request) ?? null },
  });
  openai = new OpenAI({ apiKey: 'client-key', baseURL: `${whole.url}/v1`, maxRetries: 0 });
  anthropic = new Anthropic({ apiKey: 'client-key', baseURL: whole.url, maxRetries: 0 });
});
after(() => whole?.stop());
beforeEach(() => {
  respond = null;
  whole.llms.seen.length = 0;
});

const ask = {
  max_tokens: 200,
  messages: [{ role: 'user' as const, content: 'Say something short, please.' }],
};

describe('on a target that speaks chat completions only', () => {
  test('a response, by the classifier’s decision: words, usage, headers', async () => {
    const { data, response } = await openai.responses
      .create({ model: 'auto', input: 'Hello you' })
      .withResponse();
    assert.match(data.output_text, /stand-in for chatty.*It read 2 words: "Hello you"/);
    assert.equal(data.status, 'completed');
    assert.ok(data.usage!.output_tokens > 0);
    assert.equal(response.headers.get('x-llm-router-translated'), 'responses->chat');
    assert.equal(response.headers.get('x-llm-router-dropped'), null);
    assert.equal(response.headers.get('x-chosen-classifier'), 'Chatty');
    assert.equal(seen().path, '/v1/chat/completions');
    assert.equal(seen().headers.authorization, 'Bearer upstream-key');
    assert.deepEqual(seen().body, { model: 'chatty', messages: [{ role: 'user', content: 'Hello you' }] });
  });

  test('a message, by the classifier’s decision: words, usage, headers, and its key stays here', async () => {
    const { data, response } = await anthropic.messages
      .create({ model: 'auto', system: 'be short', ...ask })
      .withResponse();
    assert.match(data.content[0]!.type === 'text' ? data.content[0].text : '', /stand-in for chatty/);
    assert.equal(data.stop_reason, 'end_turn');
    assert.ok(data.usage.input_tokens > 0 && data.usage.output_tokens > 0);
    assert.equal(response.headers.get('x-llm-router-translated'), 'messages->chat');
    assert.equal(response.headers.get('request-id'), response.headers.get('x-request-id'));
    assert.deepEqual(
      seen().body.messages!.map(({ role }) => role),
      ['system', 'user'],
    );
    assert.equal(seen().headers['x-api-key'], undefined);
    assert.doesNotMatch(JSON.stringify(seen().headers), /client-key/);
    const line = whole
      .logged()
      .trim()
      .split('\n')
      .findLast((each) => each.includes(`"${response.headers.get('x-request-id')}"`))!;
    const { api, translated, usage } = JSON.parse(line);
    assert.deepEqual(
      [api, translated, usage.completion_tokens],
      ['messages', true, data.usage.output_tokens],
    );
  });

  for (const name of ['responses', 'messages']) {
    test(`${name}: a stream has the same words and usage as the plain answer`, async () => {
      if (name === 'responses') {
        const request = { model: 'Chatty', input: 'Tell me a story' };
        const plain = await openai.responses.create(request);
        const streamed = await openai.responses.stream(request).finalResponse();
        assert.equal(streamed.output_text, plain.output_text);
        assert.deepEqual({ ...streamed.usage }, { ...plain.usage });
      } else {
        const plain = await anthropic.messages.create({ model: 'Chatty', ...ask });
        const streamed = await anthropic.messages.stream({ model: 'Chatty', ...ask }).finalMessage();
        assert.deepEqual(
          streamed.content.map((block) => block.type === 'text' && block.text),
          plain.content.map((block) => block.type === 'text' && block.text),
        );
        assert.equal(streamed.usage.output_tokens, plain.usage.output_tokens);
        assert.equal(streamed.usage.input_tokens, plain.usage.input_tokens);
      }
      assert.deepEqual(seen().body.stream_options, { include_usage: true });
    });
  }

  test('responses: a loop with a tool, streamed', async () => {
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'look' }];
    const first = await openai.responses
      .stream({ model: 'Chatty', input, tools: [FUNCTION] })
      .finalResponse();
    const call = first.output.find((item) => item.type === 'function_call')!;
    assert.ok(call.type === 'function_call');
    assert.deepEqual([call.name, JSON.parse(call.arguments)], ['look', { text: 'look' }]);
    input.push(...(first.output as OpenAI.Responses.ResponseInput), {
      type: 'function_call_output',
      call_id: call.call_id,
      output: 'a cat',
    });
    const second = await openai.responses.create({ model: 'Chatty', input, tools: [FUNCTION] });
    assert.match(second.output_text, /given a tool’s result/);
  });

  test('messages: a loop with a tool, streamed', async () => {
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'look' }];
    const request = { model: 'Chatty', max_tokens: 100, tools: [TOOL] };
    const first = await anthropic.messages.stream({ ...request, messages }).finalMessage();
    assert.equal(first.stop_reason, 'tool_use');
    const call = first.content.find((block) => block.type === 'tool_use')!;
    assert.deepEqual([call.name, call.input], ['look', { text: 'look' }]);
    messages.push(
      { role: 'assistant', content: first.content as Anthropic.ContentBlockParam[] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'a cat' }] },
    );
    const second = await anthropic.messages.create({ ...request, messages });
    assert.match(second.content[0]!.type === 'text' ? second.content[0].text : '', /given a tool’s result/);
  });

  test('pictures arrive, and a target without eyes is not asked', async () => {
    const data = 'iVBORw0KGgo=';
    await openai.responses.create({
      model: 'Chatty',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'what?' },
            { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${data}` },
          ],
        },
      ],
    });
    const url = `data:image/png;base64,${data}`;
    assert.deepEqual((seen().body.messages![0]!.content as object[])[1], {
      type: 'image_url',
      image_url: { url },
    });
    const picture: Anthropic.MessageParam = {
      role: 'user',
      content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data } }],
    };
    await anthropic.messages.create({ model: 'Chatty', max_tokens: 9, messages: [picture] });
    assert.deepEqual(seen().body.messages![0]!.content, [{ type: 'image_url', image_url: { url } }]);
    await assert.rejects(
      anthropic.messages.create({ model: 'Blind', max_tokens: 9, messages: [picture] }),
      (error: unknown) => {
        assert.ok(error instanceof Anthropic.BadRequestError);
        assert.match(error.message, /blind lacks vision/);
        return true;
      },
    );
  });

  test('a body of megabytes goes through whole, also inside the arguments of a call', async () => {
    const long = `${'line "quoted" \\ \u00fc\n'.repeat(40_000)}end`;
    const messages: Anthropic.MessageParam[] = [
      { role: 'user', content: long },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'look', input: { file: long } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: long }] },
    ];
    await anthropic.messages.create({ model: 'Chatty', max_tokens: 9, tools: [TOOL], messages });
    const [first, assistant, result] = seen().body.messages as unknown as {
      content: string;
      tool_calls: { function: { arguments: string } }[];
    }[];
    assert.equal(first!.content, long);
    assert.deepEqual(JSON.parse(assistant!.tool_calls[0]!.function.arguments), { file: long });
    assert.equal(result!.content, long);
    const input = [
      { type: 'custom_tool_call', call_id: 'c', name: 'patch', input: long },
      { type: 'custom_tool_call_output', call_id: 'c', output: long },
    ];
    await openai.responses.create({ model: 'Chatty', input: input as OpenAI.Responses.ResponseInput });
    const [called, answered] = seen().body.messages as unknown as {
      content: string;
      tool_calls: { function: { arguments: string } }[];
    }[];
    assert.deepEqual(JSON.parse(called!.tool_calls[0]!.function.arguments), { input: long });
    assert.equal(answered!.content, long);
  });

  test('what a target wants said otherwise is', async () => {
    await anthropic.messages.create({
      model: 'Strict',
      max_tokens: 9,
      thinking: { type: 'enabled', budget_tokens: 5000 },
      messages: [
        { role: 'user', content: 'x' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: '' },
            { type: 'text', text: 'y' },
          ],
        },
        { role: 'user', content: 'z' },
      ],
    });
    const { max_completion_tokens, max_tokens, reasoning_effort, messages } = seen().body;
    assert.deepEqual([max_completion_tokens, max_tokens, reasoning_effort], [9, undefined, undefined]);
    assert.deepEqual(messages![1], { role: 'assistant', content: 'y', reasoning_content: 'hm' });
  });

  test('an answer limit that is sent because the API wants one is cut to the room that the target has', async () => {
    const limitOf = async (max_tokens: number) => {
      await anthropic.messages.create({
        model: 'Small',
        max_tokens,
        messages: [{ role: 'user', content: 'x'.repeat(4_000) }],
      });
      return seen().body.max_tokens!;
    };
    const cut = await limitOf(20_000);
    assert.ok(cut > 500 && cut < 1_000, String(cut));
    assert.equal(await limitOf(300), 300);
    await anthropic.messages.create({ model: 'Chatty', ...ask, max_tokens: 20_000 });
    assert.equal(seen().body.max_tokens, 20_000);
  });

  test('what was left out is named in a header', async () => {
    const { response } = await openai.responses
      .create({ model: 'Chatty', input: 'x', truncation: 'auto', tools: [FUNCTION, { type: 'web_search' }] })
      .withResponse();
    assert.equal(response.headers.get('x-llm-router-dropped'), 'truncation, tools.web_search');
  });

  test('what can’t be translated is refused before any target is asked, with its place and the reason', async () => {
    await assert.rejects(
      openai.responses.create({
        model: 'Chatty',
        input: 'x',
        previous_response_id: 'resp_unknown',
        background: true,
      }),
      (error: unknown) => {
        assert.ok(error instanceof OpenAI.APIError && error.status !== undefined && error.status < 500);
        assert.equal(error.param, 'previous_response_id');
        return true;
      },
    );
    await assert.rejects(
      openai.responses.create({ model: 'Chatty', input: 'x', background: true }),
      (error: unknown) => {
        assert.ok(error instanceof OpenAI.BadRequestError);
        assert.equal(error.param, 'background');
        assert.match(
          error.message,
          /chatty lacks the responses API, and chat completions can’t do without it: 'background'/,
        );
        return true;
      },
    );
    await assert.rejects(
      anthropic.messages.create({
        model: 'Chatty',
        ...ask,
        tools: [{ type: 'web_search_20250305', name: 'web_search' }],
      }),
      (error: unknown) => {
        assert.ok(error instanceof Anthropic.BadRequestError);
        assert.match(error.message, /'tools\[0\]'/);
        return true;
      },
    );
    assert.equal(whole.llms.seen.length, 0);
  });
});

describe('failures', () => {
  test('after 500 the next target answers, be it in the client’s own API or translated', async () => {
    respond = ({ path, body }) => (path === '/v1/responses' && body.model === 'both' ? json(RESPONSE) : null);
    const mixed = await openai.responses.create({ model: 'Mixed', input: 'x' }).withResponse();
    assert.equal(mixed.data.output_text, 'native words');
    assert.equal(mixed.response.headers.get('x-llm-router-translated'), null);
    assert.deepEqual(
      whole.llms.seen.map(({ path }) => path),
      ['/v1/chat/completions', '/v1/responses'],
    );
    const back = await openai.responses.create({ model: 'Back', input: 'x' }).withResponse();
    assert.equal(back.response.headers.get('x-llm-router-translated'), 'responses->chat');
    const streamed = await anthropic.messages.stream({ model: 'Back', ...ask }).finalMessage();
    assert.equal(streamed.stop_reason, 'end_turn');
  });

  test('an upstream’s own error is told in the client’s words', async () => {
    await assert.rejects(openai.responses.create({ model: 'Broken', input: 'x' }), (error: unknown) => {
      assert.ok(error instanceof OpenAI.InternalServerError);
      assert.match(error.message, /told to answer 500/);
      return true;
    });
    await assert.rejects(anthropic.messages.create({ model: 'Broken', ...ask }), (error: unknown) => {
      assert.ok(error instanceof Anthropic.InternalServerError);
      assert.partialDeepStrictEqual(error.error, { type: 'error', error: { type: 'api_error' } });
      assert.match(error.message, /told to answer 500/);
      return true;
    });
  });

  test('the router’s own errors are told so too, also of paths and bodies', async () => {
    const post = (body: string, headers: object = { 'content-type': 'application/json' }) =>
      fetch(`${whole.url}/v1/messages`, { method: 'POST', body, headers: headers as Record<string, string> });
    for (const [response, type] of [
      [await post('{'), 'invalid_request_error'],
      [await post('{}'), 'invalid_request_error'],
      [await post('{"model":"nobody","messages":[{"role":"user","content":"x"}]}'), 'not_found_error'],
      [await fetch(`${whole.url}/v1/messages`), 'invalid_request_error'],
    ] as const) {
      const body = (await response.json()) as {
        type: string;
        error: { type: string; message: string };
        request_id: string;
      };
      assert.equal(body.type, 'error');
      assert.equal(body.error.type, type, JSON.stringify(body));
      assert.equal(body.request_id, response.headers.get('x-request-id'));
    }
  });

  for (const [what, last] of [
    ['an error event', 'data: {"error":{"message":"out of memory"}}\n\n'],
    ['a cut', ''],
  ] as const) {
    test(`a stream that breaks off with ${what} after content ends honestly in each API`, async () => {
      respond = () => events(chunk({ role: 'assistant', content: '' }), chunk({ content: 'Half ' }), last);
      const got = [];
      for await (const event of await openai.responses.create({ model: 'Chatty', input: 'x', stream: true }))
        got.push(event);
      const end = got.at(-1)!;
      assert.equal(end.type, 'response.failed');
      assert.match(JSON.stringify(end), what === 'a cut' ? /broke off/ : /out of memory/);
      assert.match(JSON.stringify(end), /Half /);
      let heard = '';
      await assert.rejects(
        (async () => {
          for await (const event of await anthropic.messages.create({
            model: 'Chatty',
            ...ask,
            stream: true,
          }))
            if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
              heard += event.delta.text;
        })(),
        (error: unknown) => {
          assert.ok(error instanceof Anthropic.APIError);
          assert.match(JSON.stringify(error.error), what === 'a cut' ? /broke off/ : /out of memory/);
          return true;
        },
      );
      assert.equal(heard, 'Half ');
    });
  }

  test('an upstream that answers a stream with a plain completion is heard as a stream', async () => {
    respond = () =>
      json({
        id: 'c',
        object: 'chat.completion',
        model: 'm',
        choices: [
          { index: 0, message: { role: 'assistant', content: 'plain words' }, finish_reason: 'stop' },
        ],
        usage: { prompt_tokens: 2, completion_tokens: 3 },
      });
    const response = await openai.responses.stream({ model: 'Chatty', input: 'x' }).finalResponse();
    assert.equal(response.output_text, 'plain words');
    const message = await anthropic.messages.stream({ model: 'Chatty', ...ask }).finalMessage();
    assert.deepEqual(
      message.content.map((block) => block.type === 'text' && block.text),
      ['plain words'],
    );
    assert.equal(message.usage.output_tokens, 3);
  });

  test('a client that leaves ends the upstream call', async () => {
    respond = () => ({
      chunks: [Buffer.from(chunk({ content: 'a' })), Buffer.from(chunk({ content: 'b' }))],
      stall: true,
    });
    const stream = await anthropic.messages.create({ model: 'Chatty', ...ask, stream: true });
    for await (const event of stream) if (event.type === 'content_block_delta') break;
    stream.controller.abort();
    assert.equal(await seen().ended, false);
  });
});

const RESPONSE = {
  id: 'resp_native1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  error: null,
  model: 'both',
  output: [
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'native words', annotations: [] }],
    },
  ],
  usage: {
    input_tokens: 3,
    input_tokens_details: { cached_tokens: 1 },
    output_tokens: 2,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 5,
  },
};
const MESSAGE = {
  id: 'msg_native1',
  type: 'message',
  role: 'assistant',
  model: 'both',
  content: [{ type: 'text', text: 'native words' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 3, cache_read_input_tokens: 4, output_tokens: 2 },
};

describe('on a target that speaks the client’s API', () => {
  test('a message goes through byte for byte, both ways, with the client’s version and beta and the target’s key', async () => {
    const answer = JSON.stringify(MESSAGE).replace(':', ' : ');
    respond = () => ({ headers: { 'content-type': 'application/json' }, chunks: [Buffer.from(answer)] });
    const body =
      '{"max_tokens":9007199254740993, "model":"Both","messages":[{"role":"user","content":"\\u0041"}],"odd":1.0}';
    const response = await fetch(`${whole.url}/v1/messages`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-api-key': 'client-key',
        'anthropic-version': '2023-06-01',
        'anthropic-beta': 'some-2025',
      },
      body,
    });
    assert.equal(await response.text(), answer);
    assert.equal(response.headers.get('x-llm-router-translated'), null);
    assert.equal(seen().path, '/v1/messages');
    assert.equal(seen().raw.toString(), body.replace('"Both"', '"both"'));
    const {
      authorization,
      'x-api-key': key,
      'anthropic-version': version,
      'anthropic-beta': beta,
    } = seen().headers;
    assert.deepEqual(
      [authorization, key, version, beta],
      [undefined, 'upstream-key', '2023-06-01', 'some-2025'],
    );
  });

  test('streams go through byte for byte, and their usage is charged', async () => {
    const event = (data: { type: string }) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
    const text =
      event({ type: 'message_start', message: { ...MESSAGE, content: [] } } as never) +
      event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as never) +
      event({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'text_delta', text: 'native' },
      } as never) +
      event({ type: 'content_block_stop', index: 0 } as never) +
      event({
        type: 'message_delta',
        delta: { stop_reason: 'end_turn' },
        usage: { output_tokens: 2 },
      } as never) +
      event({ type: 'message_stop' });
    respond = () => events(text.slice(0, 333), text.slice(333));
    const response = await fetch(`${whole.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'Both', stream: true, ...ask }),
    });
    assert.equal(await response.text(), text);
    assert.match(whole.logged(), /"prompt_tokens":7|"input_tokens":7/);
  });

  test('a broken stream ends with an error event of the API', async () => {
    const start = `event: message_start\ndata: ${JSON.stringify({ type: 'message_start', message: { ...MESSAGE, content: [] } })}\n\nevent: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\nevent: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Half"}}\n\n`;
    respond = () => events(start);
    await assert.rejects(
      anthropic.messages.stream({ model: 'Both', ...ask }).finalMessage(),
      (error: unknown) => {
        assert.ok(error instanceof Anthropic.APIError);
        assert.match(JSON.stringify(error.error), /"type":"error".*broke off/);
        return true;
      },
    );
  });

  test('what can’t be translated goes to the target that can do it', async () => {
    respond = ({ path }) => (path === '/v1/responses' ? json(RESPONSE) : null);
    const response = await openai.responses.create({
      model: 'Both',
      input: 'x',
      tools: [{ type: 'web_search' }],
    });
    assert.equal(response.output_text, 'native words');
    assert.deepEqual(seen().body.tools, [{ type: 'web_search' }]);
  });

  test('also where the label led to one that can’t', async () => {
    respond = ({ path }) => (path === '/v1/responses' ? json(RESPONSE) : null);
    const { data, response } = await openai.responses
      .create({ model: 'auto', input: 'x', background: true })
      .withResponse();
    assert.equal(data.output_text, 'native words');
    assert.equal(response.headers.get('x-llm-router-reason'), 'capability');
    assert.equal(response.headers.get('x-chosen-classifier'), 'Both');
  });

  test('its own errors come back as they are', async () => {
    const told = {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'max_tokens: too much' },
      request_id: 'req_up',
    };
    respond = () => json(told, 400);
    await assert.rejects(anthropic.messages.create({ model: 'Both', ...ask }), (error: unknown) => {
      assert.ok(error instanceof Anthropic.BadRequestError);
      assert.deepEqual(error.error, told);
      return true;
    });
  });
});

describe('responses by their id', () => {
  const stored = () => {
    respond = ({ method, path, body }) => {
      if (method === 'POST' && path === '/v1/responses') {
        const { previous_response_id = null } = body;
        return json({
          ...RESPONSE,
          id: previous_response_id ? 'resp_native2' : 'resp_native1',
          previous_response_id,
        });
      }
      if (path === '/v1/responses/resp_native1/input_items') return json({ object: 'list', data: [] });
      if (method === 'DELETE') return json({ id: 'resp_native1', object: 'response.deleted', deleted: true });
      return path.startsWith('/v1/responses/resp_native1') ? json(RESPONSE) : null;
    };
  };

  test('are asked of the target that made them, under the id that the client was told', async () => {
    stored();
    const first = await openai.responses.create({ model: 'Both', input: 'x' });
    assert.match(first.id, /^resp_lr1/);
    for (const [method, path, ask] of [
      ['GET', '', () => openai.responses.retrieve(first.id)],
      ['POST', '/cancel', () => openai.responses.cancel(first.id)],
    ] as const) {
      assert.equal((await ask()).id, first.id);
      assert.deepEqual([seen().method, seen().path], [method, `/v1/responses/resp_native1${path}`]);
      assert.equal(seen().headers['x-api-key'], 'upstream-key');
    }
    assert.deepEqual((await openai.responses.inputItems.list(first.id)).data, []);
    await openai.responses.delete(first.id);
    assert.deepEqual([seen().method, seen().path], ['DELETE', '/v1/responses/resp_native1']);
  });

  test('are gone on from where they live, whatever the classifier says of the next words', async () => {
    stored();
    const first = await openai.responses.create({ model: 'Both', input: 'x' });
    whole.llms.seen.length = 0;
    const second = await openai.responses.create({
      model: 'auto',
      input: 'more',
      previous_response_id: first.id,
    });
    assert.deepEqual(
      whole.llms.seen.map(({ path, body }) => [path, body.model]),
      [['/v1/responses', 'both']],
    );
    assert.equal(seen().body.previous_response_id, 'resp_native1');
    assert.equal(second.previous_response_id, first.id);
    assert.match(second.id, /^resp_lr1/);
    assert.notEqual(second.id, first.id);
  });

  test('a stream’s events all tell the id that can be asked for', async () => {
    const event = (data: { type: string }) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
    const text =
      event({ type: 'response.created', response: { ...RESPONSE, output: [] } } as never) +
      event({ type: 'response.output_text.delta', delta: 'x' } as never) +
      event({ type: 'response.completed', response: RESPONSE } as never);
    respond = () => events(text.slice(0, 40), text.slice(40));
    const ask = (store?: boolean) =>
      fetch(`${whole.url}/v1/responses`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'Both', stream: true, input: 'x', store }),
      });
    const got = await (await ask()).text();
    const ids = [...got.matchAll(/"id":"(resp_\w[\w-]*)"/g)].map(([, id]) => id);
    assert.equal(ids.length, 2);
    assert.equal(new Set(ids).size, 1);
    assert.equal(got.replaceAll(ids[0]!, 'resp_native1'), text);
    // What is not stored can't be asked for again: its bytes are the target's.
    assert.equal(await (await ask(false)).text(), text);
  });

  test('others’ ids, translated answers’ ids and made up ones are not known', async () => {
    const translated = await openai.responses.create({ model: 'Chatty', input: 'x' });
    whole.llms.seen.length = 0;
    for (const id of [translated.id, 'resp_native1', 'resp_lr1AAAAAAAAAAAAAAAAAAAAAAAApnative1']) {
      await assert.rejects(openai.responses.retrieve(id), OpenAI.NotFoundError);
      await assert.rejects(openai.responses.delete(id), OpenAI.NotFoundError);
      await assert.rejects(
        openai.responses.create({ model: 'Both', input: 'x', previous_response_id: id }),
        OpenAI.NotFoundError,
      );
    }
    assert.equal(whole.llms.seen.length, 0);
  });
});

describe('counting tokens', () => {
  const messages = [
    { role: 'user' as const, content: 'The quick brown fox jumps over the lazy dog. '.repeat(20) },
  ];

  test('is asked of a target that speaks the API, and costs nothing', async () => {
    respond = () => json({ input_tokens: 4711 });
    assert.equal((await anthropic.messages.countTokens({ model: 'Both', messages })).input_tokens, 4711);
    assert.equal(seen().path, '/v1/messages/count_tokens');
    assert.equal(seen().body.model, 'both');
    assert.equal(
      (await openai.responses.inputTokens.count({ model: 'Both', input: 'x' })).input_tokens,
      4711,
    );
    assert.equal(seen().path, '/v1/responses/input_tokens');
  });

  test('is done here for others, by the tokenizer, and says so', async () => {
    const { data, response } = await anthropic.messages
      .countTokens({ model: 'Chatty', messages })
      .withResponse();
    assert.ok(data.input_tokens > 195 && data.input_tokens < 220, String(data.input_tokens));
    assert.equal(response.headers.get('x-llm-router-counted-by'), 'tokenizer');
    const counted = await openai.responses.inputTokens.count({
      model: 'Chatty',
      input: messages[0]!.content,
    });
    assert.equal(counted.input_tokens, data.input_tokens);
    assert.equal(counted.object, 'response.input_tokens');
    assert.equal(whole.llms.seen.length, 0);
  });
});

test('any JSON gets an answer, or an error that speaks of the request: never one of the router’s own', async () => {
  const anything = fc.jsonValue({ maxDepth: 2 });
  const item = fc.record(
    {
      type: fc.constantFrom(
        'message',
        'function_call',
        'function_call_output',
        'reasoning',
        'text',
        'tool_use',
        'tool_result',
        'image',
      ),
      role: fc.constantFrom('user', 'assistant', 'system'),
      content: anything,
      output: anything,
      input: anything,
      source: anything,
    },
    { requiredKeys: ['role'] },
  );
  const body = fc.record(
    {
      input: fc.oneof(fc.array(item), anything),
      messages: fc.oneof(fc.array(item, { minLength: 1 }), anything),
      tools: anything,
      tool_choice: anything,
      system: anything,
      instructions: anything,
      text: anything,
      reasoning: anything,
      thinking: anything,
      metadata: anything,
      max_tokens: anything,
      max_output_tokens: anything,
      previous_response_id: anything,
      stream: fc.constantFrom(false, true),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(
        '/v1/responses',
        '/v1/messages',
        '/v1/messages/count_tokens',
        '/v1/responses/input_tokens',
      ),
      body,
      async (path, value) => {
        const response = await fetch(`${whole.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ model: 'Chatty', ...value }),
        });
        const text = await response.text();
        assert.ok(response.status < 500, `${response.status} ${text}`);
      },
    ),
    { numRuns: 150 },
  );
  assert.doesNotMatch(whole.logged(), /internal error/);
});

test('compaction is the API’s own: passed where it is spoken, refused by name where it is not', async () => {
  const compacted = {
    id: 'resp_c',
    object: 'response.compaction',
    created_at: 1,
    output: [{ id: 'cmp_1', type: 'compaction', encrypted_content: 'x' }],
    usage: RESPONSE.usage,
  };
  respond = () => json(compacted);
  const answer = await openai.responses.compact({ model: 'Both', input: 'x' });
  assert.equal(answer.output.length, 1);
  assert.equal(seen().path, '/v1/responses/compact');
  await assert.rejects(openai.responses.compact({ model: 'Chatty', input: 'x' }), (error: unknown) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.match(error.message, /chatty lacks the responses API, which \/v1\/responses\/compact needs/);
    return true;
  });
});

describe('whose responses they are', () => {
  const KEYS = ['ann', 'bob', 'cut'].map((name) => `${name}-0123456789abcdef`);
  const config = (more: string) => `
auth:
  mode: required
  keys:
    - { id: ann, tenant: a, hash: '${hashKey(KEYS[0]!)}' }
    - { id: bob, tenant: b, hash: '${hashKey(KEYS[1]!)}' }
    - { id: cut, tenant: a, hash: '${hashKey(KEYS[2]!)}', targets: [chatty] }
targets:
  - { name: chatty, api_base: '{LLM}', model: chatty }
  - { name: both, api_base: '{LLM}', model: both, apis: [responses]${more} }
default_policy: p
policies:
  - name: p
    url: grpc://127.0.0.1:1/m
    llms: [{ name: Chatty, target: chatty }, { name: Both, target: both }]
`;
  const start = async (more: string) => {
    const labels = ['Chatty', 'Both'];
    const router = await startWhole({
      config: config(more),
      standIns: false,
      connect: () => scriptedClassifier(labels, () => favour(labels, 'Both')),
      llms: { respond: ({ path }) => (path.startsWith('/v1/responses') ? json(RESPONSE) : null) },
    });
    const clients = KEYS.map((apiKey) => new OpenAI({ apiKey, baseURL: `${router.url}/v1`, maxRetries: 0 }));
    return { router, clients };
  };

  test('a tenant’s own, by keys that may use the target; of others nothing is told', async () => {
    const { router, clients } = await start('');
    try {
      const [ann, bob, cut] = clients as [OpenAI, OpenAI, OpenAI];
      const { id } = await ann.responses.create({ model: 'auto', input: 'x' });
      assert.equal((await ann.responses.retrieve(id)).id, id);
      for (const other of [bob, cut]) {
        await assert.rejects(other.responses.retrieve(id), OpenAI.NotFoundError);
        await assert.rejects(other.responses.delete(id), OpenAI.NotFoundError);
        await assert.rejects(
          other.responses.create({ model: 'auto', input: 'x', previous_response_id: id }),
          OpenAI.NotFoundError,
        );
      }
      // A chat request does not go to a target that speaks only another API.
      const { response } = await ann.chat.completions
        .create({ model: 'auto', messages: [{ role: 'user', content: 'x' }] })
        .withResponse();
      assert.equal(response.headers.get('x-llm-router-model'), 'chatty');
    } finally {
      await router.stop();
    }
  });

  test('where a target’s `passes` take them, ids that were not given here go to it as they are', async () => {
    const { router, clients } = await start(", passes: ['/v1/responses/*']");
    try {
      const [ann, , cut] = clients as [OpenAI, OpenAI, OpenAI];
      assert.equal((await ann.responses.retrieve('resp_native1')).id, 'resp_native1');
      await ann.responses.create({ model: 'auto', input: 'x', previous_response_id: 'resp_native1' });
      assert.equal(router.llms.seen.at(-1)!.body.previous_response_id, 'resp_native1');
      await assert.rejects(cut.responses.retrieve('resp_native1'), OpenAI.APIError);
    } finally {
      await router.stop();
    }
  });
});
