/** What a key may not do is refused by an OpenAI error: all four keys, and what is not allowed by its name. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { hashKey } from '../src/authenticate/index.ts';
import { chat, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['A', 'B'];
let whole: Whole;
before(async () => {
  whole = await startWhole({
    config: `
targets:
  - { name: small, api_base: "{LLM}", model: s }
  - { name: large, api_base: "{LLM}", model: l }
policies:
  - { name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: large }, { name: B, target: small }] }
  - { name: two, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: small }, { name: B, target: small }] }
auth: { keys: [{ id: ann, hash: '${hashKey('ann')}', policies: [one], targets: [small] }] }`,
    standIns: false,
    connect: () => scriptedClassifier(LABELS, (text) => favour(LABELS, text.includes('easy') ? 'B' : 'A')),
  });
});
after(() => whole.stop());

const headers = { authorization: 'Bearer ann' };
const CASES = {
  policy: { body: { model: 'two', messages: user('easy') }, named: [/'two'/, /it may use: one/] },
  target: {
    body: {
      messages: user('hard'),
      'nim-llm-router': { policy: 'one', routing_strategy: 'manual', model: 'large' },
    },
    named: [/^This key may not use target 'large'; it may use: small$/],
  },
  entry: {
    body: {
      messages: user('hard'),
      'nim-llm-router': { policy: 'one', routing_strategy: 'manual', model: 'A' },
    },
    named: [/^This key may not use any target of entry 'A'; it may use: small$/],
  },
};

for (const [what, { body, named }] of Object.entries(CASES)) {
  test(`a forbidden ${what} is a 403 of OpenAI’s form that names what the key may use`, async () => {
    for (const stream of [false, true]) {
      const response = await chat(whole.url, { ...body, stream }, { headers });
      assert.equal(response.status, 403);
      assert.match(response.headers.get('content-type')!, /^application\/json/);
      const told = (await response.json()) as { error: Record<string, unknown> };
      assert.deepEqual(Object.keys(told), ['error']);
      const { message, ...rest } = told.error;
      assert.deepEqual(rest, { type: 'invalid_request_error', param: null, code: 'permission_denied' });
      for (const name of named) assert.match(String(message), name);
      assert.doesNotMatch(String(message), /ann|sha256/);
    }
  });

  test(`a stock client takes a forbidden ${what} for its PermissionDeniedError`, async () => {
    const client = new OpenAI({ baseURL: `${whole.url}/v1`, apiKey: 'ann', maxRetries: 0 });
    await assert.rejects(
      client.chat.completions.create(body as unknown as OpenAI.ChatCompletionCreateParams),
      (error) => {
        assert.ok(error instanceof OpenAI.PermissionDeniedError);
        assert.deepEqual(
          [error.status, error.code, error.type],
          [403, 'permission_denied', 'invalid_request_error'],
        );
        return true;
      },
    );
  });

  test(`the preview of a forbidden ${what} tells the same, alone and in a list`, async () => {
    const alone = await chat(whole.url, body, { headers, path: '/v1/route' });
    assert.equal(alone.status, 403);
    const { error } = (await alone.json()) as { error: Record<string, unknown> };
    const list = await chat(whole.url, [body] as object, { headers, path: '/v1/route' });
    assert.equal(list.status, 200);
    assert.deepEqual(await list.json(), [{ error }]);
    assert.deepEqual(
      [error.type, error.param, error.code],
      ['invalid_request_error', null, 'permission_denied'],
    );
    for (const name of named) assert.match(String(error.message), name);
  });
}

test('a request that leaves the choice to the router stays within what the key may use', async () => {
  const body = { model: 'one', messages: user('hard') };
  const response = await chat(whole.url, body, { headers });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('x-llm-router-model'), 's');
  assert.equal(response.headers.get('x-llm-router-reason'), 'allowed');
  const preview = await chat(whole.url, body, { headers, path: '/v1/route' });
  const { target, reason } = (await preview.json()) as Record<string, unknown>;
  assert.deepEqual([target, reason], ['small', 'allowed']);
});

test('what the key may do passes, and nothing forbidden has reached a model', async () => {
  const response = await chat(whole.url, { model: 'one', messages: user('easy') }, { headers });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('x-llm-router-model'), 's');
  assert.deepEqual(
    whole.llms.seen.map((seen) => seen.body.model),
    ['s', 's'],
  );
});
