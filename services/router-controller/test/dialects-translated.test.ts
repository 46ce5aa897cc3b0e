/** Responses and Messages on targets that speak chat completions only, with the SDKs that people use. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import fc from 'fast-check';
import OpenAI from 'openai';
import { anyJson } from '../src/testing.ts';
import { ask, dialectsWorld, FUNCTION, TOOL } from './dialects-world.ts';

const w = dialectsWorld();

describe('on a target that speaks chat completions only', () => {
  test('a response, by the classifier’s decision: words, usage, headers', async () => {
    const { data, response } = await w.openai.responses
      .create({ model: 'auto', input: 'Hello you' })
      .withResponse();
    assert.match(data.output_text, /stand-in for chatty.*It read 2 words: "Hello you"/);
    assert.equal(data.status, 'completed');
    assert.ok(data.usage!.output_tokens > 0);
    assert.equal(response.headers.get('x-llm-router-translated'), 'responses->chat');
    assert.equal(response.headers.get('x-llm-router-dropped'), null);
    assert.equal(response.headers.get('x-chosen-classifier'), 'Chatty');
    assert.equal(w.seen().path, '/v1/chat/completions');
    assert.equal(w.seen().headers.authorization, 'Bearer upstream-key');
    assert.deepEqual(w.seen().body, { model: 'chatty', messages: [{ role: 'user', content: 'Hello you' }] });
  });

  test('a message, by the classifier’s decision: words, usage, headers, and its key stays here', async () => {
    const { data, response } = await w.anthropic.messages
      .create({ model: 'auto', system: 'be short', ...ask })
      .withResponse();
    assert.match(data.content[0]!.type === 'text' ? data.content[0].text : '', /stand-in for chatty/);
    assert.equal(data.stop_reason, 'end_turn');
    assert.ok(data.usage.input_tokens > 0 && data.usage.output_tokens > 0);
    assert.equal(response.headers.get('x-llm-router-translated'), 'messages->chat');
    assert.equal(response.headers.get('request-id'), response.headers.get('x-request-id'));
    assert.deepEqual(
      w.seen().body.messages!.map(({ role }) => role),
      ['system', 'user'],
    );
    assert.equal(w.seen().headers['x-api-key'], undefined);
    assert.doesNotMatch(JSON.stringify(w.seen().headers), /client-key/);
    const line = w.whole
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
        const plain = await w.openai.responses.create(request);
        const streamed = await w.openai.responses.stream(request).finalResponse();
        assert.equal(streamed.output_text, plain.output_text);
        assert.deepEqual({ ...streamed.usage }, { ...plain.usage });
      } else {
        const plain = await w.anthropic.messages.create({ model: 'Chatty', ...ask });
        const streamed = await w.anthropic.messages.stream({ model: 'Chatty', ...ask }).finalMessage();
        assert.deepEqual(
          streamed.content.map((block) => block.type === 'text' && block.text),
          plain.content.map((block) => block.type === 'text' && block.text),
        );
        assert.equal(streamed.usage.output_tokens, plain.usage.output_tokens);
        assert.equal(streamed.usage.input_tokens, plain.usage.input_tokens);
      }
      assert.deepEqual(w.seen().body.stream_options, { include_usage: true });
    });
  }

  test('responses: a loop with a tool, streamed', async () => {
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'look' }];
    const first = await w.openai.responses
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
    const second = await w.openai.responses.create({ model: 'Chatty', input, tools: [FUNCTION] });
    assert.match(second.output_text, /given a tool’s result/);
  });

  test('messages: a loop with a tool, streamed', async () => {
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'look' }];
    const request = { model: 'Chatty', max_tokens: 100, tools: [TOOL] };
    const first = await w.anthropic.messages.stream({ ...request, messages }).finalMessage();
    assert.equal(first.stop_reason, 'tool_use');
    const call = first.content.find((block) => block.type === 'tool_use')!;
    assert.deepEqual([call.name, call.input], ['look', { text: 'look' }]);
    messages.push(
      { role: 'assistant', content: first.content as Anthropic.ContentBlockParam[] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'a cat' }] },
    );
    const second = await w.anthropic.messages.create({ ...request, messages });
    assert.match(second.content[0]!.type === 'text' ? second.content[0].text : '', /given a tool’s result/);
  });

  test('pictures arrive, and a target without eyes is not asked', async () => {
    const data = 'iVBORw0KGgo=';
    await w.openai.responses.create({
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
    assert.deepEqual((w.seen().body.messages![0]!.content as object[])[1], {
      type: 'image_url',
      image_url: { url },
    });
    const picture: Anthropic.MessageParam = {
      role: 'user',
      content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data } }],
    };
    await w.anthropic.messages.create({ model: 'Chatty', max_tokens: 9, messages: [picture] });
    assert.deepEqual(w.seen().body.messages![0]!.content, [{ type: 'image_url', image_url: { url } }]);
    await assert.rejects(
      w.anthropic.messages.create({ model: 'Blind', max_tokens: 9, messages: [picture] }),
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
    await w.anthropic.messages.create({ model: 'Chatty', max_tokens: 9, tools: [TOOL], messages });
    const [first, assistant, result] = w.seen().body.messages as unknown as {
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
    await w.openai.responses.create({ model: 'Chatty', input: input as OpenAI.Responses.ResponseInput });
    const [called, answered] = w.seen().body.messages as unknown as {
      content: string;
      tool_calls: { function: { arguments: string } }[];
    }[];
    assert.deepEqual(JSON.parse(called!.tool_calls[0]!.function.arguments), { input: long });
    assert.equal(answered!.content, long);
  });

  test('what a target wants said otherwise is', async () => {
    await w.anthropic.messages.create({
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
    const { max_completion_tokens, max_tokens, reasoning_effort, messages } = w.seen().body;
    assert.deepEqual([max_completion_tokens, max_tokens, reasoning_effort], [9, undefined, undefined]);
    assert.deepEqual(messages![1], { role: 'assistant', content: 'y', reasoning_content: 'hm' });
  });

  test('an answer limit that is sent because the API wants one is cut to the room that the target has', async () => {
    const limitOf = async (max_tokens: number) => {
      await w.anthropic.messages.create({
        model: 'Small',
        max_tokens,
        messages: [{ role: 'user', content: 'x'.repeat(4_000) }],
      });
      return w.seen().body.max_tokens!;
    };
    const cut = await limitOf(20_000);
    assert.ok(cut > 500 && cut < 1_000, String(cut));
    assert.equal(await limitOf(300), 300);
    await w.anthropic.messages.create({ model: 'Chatty', ...ask, max_tokens: 20_000 });
    assert.equal(w.seen().body.max_tokens, 20_000);
  });

  test('what was left out is named in a header', async () => {
    const { response } = await w.openai.responses
      .create({ model: 'Chatty', input: 'x', truncation: 'auto', tools: [FUNCTION, { type: 'web_search' }] })
      .withResponse();
    assert.equal(response.headers.get('x-llm-router-dropped'), 'truncation, tools.web_search');
  });

  test('what can’t be translated is refused before any target is asked, with its place and the reason', async () => {
    await assert.rejects(
      w.openai.responses.create({
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
      w.openai.responses.create({ model: 'Chatty', input: 'x', background: true }),
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
      w.anthropic.messages.create({
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
    assert.equal(w.whole.llms.seen.length, 0);
  });
});

test('any JSON gets an answer, or an error that speaks of the request: never one of the router’s own', async () => {
  const anything = anyJson(2);
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
        const response = await fetch(`${w.whole.url}${path}`, {
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
  assert.doesNotMatch(w.whole.logged(), /internal error/);
});
