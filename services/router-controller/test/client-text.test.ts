/** Megabytes in every field that an error repeats: the answer is short, at once, and the log too. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chat, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['A', 'B'];
const CONFIG = `
default_policy: task_router
policies:
  - { name: task_router, url: "grpc://127.0.0.1:1/m", llms: [{ name: A, api_base: '{LLM}', model: a }, { name: B, api_base: '{LLM}', model: b }] }
  - { name: complexity_router, url: "grpc://127.0.0.1:1/m", llms: [{ name: A, api_base: '{LLM}', model: a }, { name: B, api_base: '{LLM}', model: b }] }
`;
/** What a client may be told at most, bytes: an error's bound with its escapes. */
const MOST = 8_000;

let whole: Whole;
before(async () => {
  whole = await startWhole({
    config: CONFIG,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
});
after(() => whole.stop());

const LONG = 2 * 1024 * 1024;
const texts: Record<string, string> = {
  letters: 'a'.repeat(LONG),
  'a policy’s name, over and over': 'task_router '.repeat(LONG / 12),
  'line breaks': `x${'\n'.repeat(LONG)}x`,
  'control characters': '\u001b[2J\u202e'.repeat(LONG / 8),
  'halves of characters': '\ud800'.repeat(LONG / 8),
};
const messages = user('hi');
const bodies: Record<string, (text: string) => object> = {
  model: (model) => ({ model, messages }),
  'the routing object': (text) => ({ messages, 'nim-llm-router': text }),
  'its policy': (policy) => ({ messages, 'nim-llm-router': { policy } }),
  'its strategy': (routing_strategy) => ({ messages, 'nim-llm-router': { routing_strategy } }),
  'its model': (model) => ({ messages, 'nim-llm-router': { routing_strategy: 'manual', model } }),
  'its threshold': (threshold) => ({ messages, 'nim-llm-router': { threshold } }),
  'an unknown field of it': (name) => ({ messages, 'nim-llm-router': { [name]: 1 } }),
  stream: (stream) => ({ messages, stream }),
  messages: (text) => ({ messages: text }),
  'a message': (text) => ({ messages: [text] }),
};

/** The same of the other endpoints: where the text of their own fields would go. */
const others: Record<string, (text: string) => object> = {
  '/v1/responses': (text) => ({ model: text, input: 'hi' }),
  '/v1/messages': (text) => ({ model: text, max_tokens: 9, messages }),
  '/v1/completions': (text) => ({ model: text, prompt: 'hi' }),
  '/v1/embeddings': (text) => ({ model: text, input: 'hi' }),
};

test('of the other endpoints get a short 4xx', async () => {
  for (const [path, body] of Object.entries(others))
    for (const [what, text] of Object.entries(texts)) {
      const response = await chat(whole.url, body(text), { path });
      const answer = await response.text();
      assert.ok(response.status >= 400 && response.status < 500, `${path} ${what}: ${response.status}`);
      assert.ok(answer.length < MOST, `${path} ${what}: ${answer.length} characters`);
    }
  for (const [field, body] of Object.entries({
    previous_response_id: (text: string) => ({ model: 'auto', input: 'hi', previous_response_id: text }),
    'nim-llm-router.targets': (text: string) => ({ messages, 'nim-llm-router': { targets: [text] } }),
    'nim-llm-router.exclude': (text: string) => ({ messages, 'nim-llm-router': { exclude: text } }),
    'nim-llm-router.max_price': (text: string) => ({ messages, 'nim-llm-router': { max_price: text } }),
  }))
    for (const [what, text] of Object.entries(texts)) {
      const path = field === 'previous_response_id' ? '/v1/responses' : '/v1/chat/completions';
      const response = await chat(whole.url, body(text), { path });
      const answer = await response.text();
      assert.ok(response.status >= 400 && response.status < 500, `${field} ${what}: ${response.status}`);
      assert.ok(answer.length < MOST, `${field} ${what}: ${answer.length} characters`);
    }
});

for (const path of ['/v1/chat/completions', '/v1/route']) {
  test(`of ${path} get a short 4xx`, async () => {
    for (const [field, body] of Object.entries(bodies)) {
      if (path === '/v1/route' && field === 'stream') continue;
      for (const [what, text] of Object.entries(texts)) {
        const response = await chat(whole.url, body(text), { path });
        const answer = await response.text();
        const name = `${field}: ${what}`;
        assert.ok(response.status >= 400 && response.status < 500, `${name}: ${response.status}`);
        assert.ok(answer.length < MOST, `${name}: ${answer.length} characters`);
        const { message, param } = JSON.parse(answer).error;
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
        assert.doesNotMatch(`${message} ${param}`, /[\u0000-\u001f\u202e]/, name);
      }
    }
    for (const line of whole.logged().split('\n')) assert.ok(line.length < 4 * MOST, line.slice(0, 200));
  });
}

test('a body without its text is told the field that its endpoint reads', async () => {
  for (const [path, param] of Object.entries({
    '/v1/chat/completions': 'messages',
    '/v1/messages': 'messages',
    '/v1/completions': 'prompt',
  })) {
    const response = await chat(whole.url, { model: 'auto', max_tokens: 9 }, { path });
    const { error } = (await response.json()) as { error: { message: string; param?: string } };
    assert.equal(response.status, 400, path);
    assert.ok(error.message.includes(`'${param}'`), `${path}: ${error.message}`);
  }
});

test('headers and addresses as long as node takes them are repeated shortly', async () => {
  const long = 'x'.repeat(12_000);
  const replies = [
    await fetch(`${whole.url}/${long}`),
    await fetch(`${whole.url}/v1/usage?${long}=1`),
    await fetch(`${whole.url}/v1/usage?scope=${long}`),
    await fetch(`${whole.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': long },
      body: '{}',
    }),
    await chat(
      whole.url,
      { model: 'nobody', messages },
      { headers: { 'x-request-id': long, 'x-session-id': long } },
    ),
  ];
  for (const reply of replies) {
    assert.ok(reply.status >= 400 && reply.status < 500);
    assert.ok((await reply.text()).length < MOST);
    for (const [name, value] of reply.headers) assert.ok(value.length < 500, name);
  }
});
