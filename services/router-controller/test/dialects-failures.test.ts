/** What clients of Responses and Messages hear when targets fail, and of the router’s own errors. */
import assert from 'node:assert/strict';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { ask, CONFIG, chunk, dialectsWorld, events, json, LABELS, RESPONSE } from './dialects-world.ts';
import { favour, scriptedClassifier, startWhole } from './harness.ts';

const w = dialectsWorld();

describe('failures', () => {
  test('after 500 the next target answers, be it in the client’s own API or translated', async () => {
    w.respond = ({ path, body }) =>
      path === '/v1/responses' && body.model === 'both' ? json(RESPONSE) : null;
    const mixed = await w.openai.responses.create({ model: 'Mixed', input: 'x' }).withResponse();
    assert.equal(mixed.data.output_text, 'native words');
    assert.equal(mixed.response.headers.get('x-llm-router-translated'), null);
    assert.deepEqual(
      w.whole.llms.seen.map(({ path }) => path),
      ['/v1/chat/completions', '/v1/responses'],
    );
    const back = await w.openai.responses.create({ model: 'Back', input: 'x' }).withResponse();
    assert.equal(back.response.headers.get('x-llm-router-translated'), 'responses->chat');
    const streamed = await w.anthropic.messages.stream({ model: 'Back', ...ask }).finalMessage();
    assert.equal(streamed.stop_reason, 'end_turn');
  });

  test('an answer that its upstream packs unasked is translated like any other', async () => {
    w.respond = () => {
      const { chunks, ...answer } = json({
        choices: [{ index: 0, message: { role: 'assistant', content: 'unpacked' }, finish_reason: 'stop' }],
      });
      const headers = { ...answer.headers, 'content-encoding': 'gzip' };
      return { ...answer, headers, chunks: [gzipSync(Buffer.concat(chunks as Buffer[]))] };
    };
    const response = await w.openai.responses.create({ model: 'Chatty', input: 'x' });
    assert.equal(response.output_text, 'unpacked');
    const message = await w.anthropic.messages.stream({ model: 'Chatty', ...ask }).finalMessage();
    assert.partialDeepStrictEqual(message.content, [{ type: 'text', text: 'unpacked' }]);
  });

  test('an upstream’s own error is told in the client’s words', async () => {
    await assert.rejects(w.openai.responses.create({ model: 'Broken', input: 'x' }), (error: unknown) => {
      assert.ok(error instanceof OpenAI.InternalServerError);
      assert.match(error.message, /told to answer 500/);
      return true;
    });
    await assert.rejects(w.anthropic.messages.create({ model: 'Broken', ...ask }), (error: unknown) => {
      assert.ok(error instanceof Anthropic.InternalServerError);
      assert.partialDeepStrictEqual(error.error, { type: 'error', error: { type: 'api_error' } });
      assert.match(error.message, /told to answer 500/);
      return true;
    });
  });

  test('the router’s own errors are told so too, also of paths and bodies', async () => {
    const post = (body: string, headers: object = { 'content-type': 'application/json' }) =>
      fetch(`${w.whole.url}/v1/messages`, {
        method: 'POST',
        body,
        headers: headers as Record<string, string>,
      });
    for (const [response, type] of [
      [await post('{'), 'invalid_request_error'],
      [await post('{}'), 'invalid_request_error'],
      [await post('{"model":"nobody","messages":[{"role":"user","content":"x"}]}'), 'not_found_error'],
      [await fetch(`${w.whole.url}/v1/messages`), 'invalid_request_error'],
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
      w.respond = () => events(chunk({ role: 'assistant', content: '' }), chunk({ content: 'Half ' }), last);
      const got = [];
      for await (const event of await w.openai.responses.create({
        model: 'Chatty',
        input: 'x',
        stream: true,
      }))
        got.push(event);
      const end = got.at(-1)!;
      assert.equal(end.type, 'response.failed');
      assert.match(JSON.stringify(end), what === 'a cut' ? /broke off/ : /out of memory/);
      assert.match(JSON.stringify(end), /Half /);
      let heard = '';
      await assert.rejects(
        (async () => {
          for await (const event of await w.anthropic.messages.create({
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
    w.respond = () =>
      json({
        id: 'c',
        object: 'chat.completion',
        model: 'm',
        choices: [
          { index: 0, message: { role: 'assistant', content: 'plain words' }, finish_reason: 'stop' },
        ],
        usage: { prompt_tokens: 2, completion_tokens: 3 },
      });
    const response = await w.openai.responses.stream({ model: 'Chatty', input: 'x' }).finalResponse();
    assert.equal(response.output_text, 'plain words');
    const message = await w.anthropic.messages.stream({ model: 'Chatty', ...ask }).finalMessage();
    assert.deepEqual(
      message.content.map((block) => block.type === 'text' && block.text),
      ['plain words'],
    );
    assert.equal(message.usage.output_tokens, 3);
  });

  test('a client that leaves ends the upstream call', async () => {
    w.respond = () => ({
      chunks: [Buffer.from(chunk({ content: 'a' })), Buffer.from(chunk({ content: 'b' }))],
      stall: true,
    });
    const stream = await w.anthropic.messages.create({ model: 'Chatty', ...ask, stream: true });
    for await (const event of stream) if (event.type === 'content_block_delta') break;
    stream.controller.abort();
    assert.equal(await w.seen().ended, false);
  });

  test('the WebSocket of the Responses API is refused by name, with what to use instead', async () => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const answer = Promise.withResolvers<IncomingMessage>();
    request(`${w.whole.url}/v1/responses`, { headers })
      .once('response', answer.resolve)
      .once('upgrade', () => answer.reject(new Error('it was upgraded')))
      .once('error', answer.reject)
      .end();
    const response = await answer.promise;
    assert.equal(response.statusCode, 400);
    assert.match(await text(response), /WebSocket connections are not served.*stream: true/);
    // Node counts such a connection as busy for ever: it has to end with the answer.
    assert.equal(response.headers.connection, 'close');
  });
});

test('a stop does not wait for connections that were opened in advance and never used', async () => {
  const other = await startWhole({
    config: CONFIG,
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'Chatty')),
  });
  const { hostname, port } = new URL(other.url);
  const socket = connect(Number(port), hostname);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  let grace = false;
  const stopping = other.stop().then(() => {
    grace = other.logged().includes('grace is over');
  });
  await closed;
  await stopping;
  assert.equal(grace, false);
});
