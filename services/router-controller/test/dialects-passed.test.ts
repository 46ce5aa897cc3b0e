/** Responses and Messages on targets that speak them: bytes pass, tokens are counted, compaction. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { ask, dialectsWorld, events, json, MESSAGE, RESPONSE } from './dialects-world.ts';

const w = dialectsWorld();

describe('on a target that speaks the client’s API', () => {
  test('a message goes through byte for byte, both ways, with the client’s version and beta and the target’s key', async () => {
    const answer = JSON.stringify(MESSAGE).replace(':', ' : ');
    w.respond = () => ({ headers: { 'content-type': 'application/json' }, chunks: [Buffer.from(answer)] });
    const body =
      '{"max_tokens":9007199254740993, "model":"Both","messages":[{"role":"user","content":"\\u0041"}],"odd":1.0}';
    const response = await fetch(`${w.whole.url}/v1/messages`, {
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
    assert.equal(w.seen().path, '/v1/messages');
    assert.equal(w.seen().raw.toString(), body.replace('"Both"', '"both"'));
    const {
      authorization,
      'x-api-key': key,
      'anthropic-version': version,
      'anthropic-beta': beta,
    } = w.seen().headers;
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
    w.respond = () => events(text.slice(0, 333), text.slice(333));
    const response = await fetch(`${w.whole.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'Both', stream: true, ...ask }),
    });
    assert.equal(await response.text(), text);
    assert.match(w.whole.logged(), /"prompt_tokens":7|"input_tokens":7/);
  });

  test('a broken stream ends with an error event of the API', async () => {
    const start = `event: message_start\ndata: ${JSON.stringify({ type: 'message_start', message: { ...MESSAGE, content: [] } })}\n\nevent: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\nevent: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Half"}}\n\n`;
    w.respond = () => events(start);
    await assert.rejects(
      w.anthropic.messages.stream({ model: 'Both', ...ask }).finalMessage(),
      (error: unknown) => {
        assert.ok(error instanceof Anthropic.APIError);
        assert.match(JSON.stringify(error.error), /"type":"error".*broke off/);
        return true;
      },
    );
  });

  test('what can’t be translated goes to the target that can do it', async () => {
    w.respond = ({ path }) => (path === '/v1/responses' ? json(RESPONSE) : null);
    const response = await w.openai.responses.create({
      model: 'Both',
      input: 'x',
      tools: [{ type: 'web_search' }],
    });
    assert.equal(response.output_text, 'native words');
    assert.deepEqual(w.seen().body.tools, [{ type: 'web_search' }]);
  });

  test('a response carries the client’s beta, and one without a status is an answer where it has output', async () => {
    const { status: _status, ...bare } = RESPONSE as Record<string, unknown>;
    w.respond = ({ path }) =>
      path === '/v1/responses' ? json({ ...bare, error: { code: 'x', message: 'y' } }) : null;
    const response = await fetch(`${w.whole.url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'openai-beta': 'some=v1' },
      body: JSON.stringify({ model: 'Both', input: 'x', tools: [{ type: 'web_search' }] }),
    });
    assert.equal(response.status, 200);
    assert.match(await response.text(), /native words/);
    assert.equal(w.seen().headers['openai-beta'], 'some=v1');
  });

  test('also where the label led to one that can’t', async () => {
    w.respond = ({ path }) => (path === '/v1/responses' ? json(RESPONSE) : null);
    const { data, response } = await w.openai.responses
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
    w.respond = () => json(told, 400);
    await assert.rejects(w.anthropic.messages.create({ model: 'Both', ...ask }), (error: unknown) => {
      assert.ok(error instanceof Anthropic.BadRequestError);
      assert.deepEqual(error.error, told);
      return true;
    });
  });
});

describe('counting tokens', () => {
  const messages = [
    { role: 'user' as const, content: 'The quick brown fox jumps over the lazy dog. '.repeat(20) },
  ];

  test('is asked of a target that speaks the API, and costs nothing', async () => {
    w.respond = () => json({ input_tokens: 4711 });
    assert.equal((await w.anthropic.messages.countTokens({ model: 'Both', messages })).input_tokens, 4711);
    assert.equal(w.seen().path, '/v1/messages/count_tokens');
    assert.equal(w.seen().body.model, 'both');
    assert.equal(
      (await w.openai.responses.inputTokens.count({ model: 'Both', input: 'x' })).input_tokens,
      4711,
    );
    assert.equal(w.seen().path, '/v1/responses/input_tokens');
  });

  test('is done here for others, by the tokenizer, and says so', async () => {
    const { data, response } = await w.anthropic.messages
      .countTokens({ model: 'Chatty', messages })
      .withResponse();
    assert.ok(data.input_tokens > 195 && data.input_tokens < 220, String(data.input_tokens));
    assert.equal(response.headers.get('x-llm-router-counted-by'), 'tokenizer');
    const counted = await w.openai.responses.inputTokens.count({
      model: 'Chatty',
      input: messages[0]!.content,
    });
    assert.equal(counted.input_tokens, data.input_tokens);
    assert.equal(counted.object, 'response.input_tokens');
    assert.equal(w.whole.llms.seen.length, 0);
  });
});

test('compaction is the API’s own: passed where it is spoken, refused by name where it is not', async () => {
  const compacted = {
    id: 'resp_c',
    object: 'response.compaction',
    created_at: 1,
    output: [{ id: 'cmp_1', type: 'compaction', encrypted_content: 'x' }],
    usage: RESPONSE.usage,
  };
  w.respond = () => json(compacted);
  const answer = await w.openai.responses.compact({ model: 'Both', input: 'x' });
  assert.equal(answer.output.length, 1);
  assert.equal(w.seen().path, '/v1/responses/compact');
  await assert.rejects(w.openai.responses.compact({ model: 'Chatty', input: 'x' }), (error: unknown) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.match(error.message, /chatty lacks the responses API, which \/v1\/responses\/compact needs/);
    return true;
  });
});
