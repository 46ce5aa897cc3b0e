/** `/v1/route` tells what the call would do, whatever bounds it: the two are compared over requests of every kind. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hashKey } from '../src/authenticate/index.ts';
import { chat, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['Chat', 'Easy', 'Code'];
const CONFIG = `
default_policy: tasks
aliases: { gpt-4o: tasks }
targets:
  - { name: small, api_base: "{LLM}", model: m-small, capabilities: { vision: false, tools: false, context_tokens: 8000 }, price: { input: 0.05, output: 0.05 } }
  - { name: mid, api_base: "{LLM}", model: m-mid, capabilities: { vision: false, context_tokens: 32000 }, price: { input: 0.6, output: 0.6 } }
  - { name: big, api_base: "{LLM}", model: m-big, capabilities: { vision: false, context_tokens: 64000 }, price: { input: 3, output: 8 } }
  - { name: vlm, api_base: "{LLM}", model: m-vlm, capabilities: { vision: true, context_tokens: 200000 }, price: { input: 1, output: 2 } }
policies:
  - name: tasks
    url: grpc://127.0.0.1:9/m
    fallback: Chat
    rules:
      - { name: titles, when: { side_request: title }, target: small }
      - { name: batch, when: { header: { x-tier: batch } }, entry: Easy }
      - { name: agents, when: { agent: coding }, label: Code }
    llms: &llms
      - { name: Chat, target: mid, fallbacks: [vlm] }
      - { name: Easy, target: small, fallbacks: [mid] }
      - { name: Code, target: big, fallbacks: [mid], extra_body: { reasoning_effort: low } }
  - { name: halves, url: "grpc://127.0.0.1:9/m", fallback: Chat, canary: { policy: cheap, share: 0.5 }, llms: *llms }
  - name: cheap
    url: grpc://127.0.0.1:9/m
    llms: [{ name: Chat, target: small }, { name: Easy, target: small }, { name: Code, target: small }]
auth:
  keys:
    - { id: all, hash: '${hashKey('all')}' }
    - { id: few, hash: '${hashKey('few')}', targets: [small] }
`;

let whole: Whole;
before(async () => {
  whole = await startWhole({
    config: CONFIG,
    standIns: false,
    connect: () =>
      scriptedClassifier(LABELS, (text) =>
        favour(LABELS, text.includes('code') ? 'Code' : text.includes('easy') ? 'Easy' : 'Chat', 0.95),
      ),
  });
});
after(() => whole.stop());

const image = { type: 'image_url', image_url: { url: 'data:,' } };
const tool = (name: string) => ({ type: 'function', function: { name, parameters: {} } });
const assistant = (content: string) => ({ role: 'assistant', content });

interface Case {
  readonly body: Record<string, unknown>;
  readonly headers?: Record<string, string>;
  readonly key?: string;
  readonly path?: string;
}

const CASES: Readonly<Record<string, Case>> = {
  'a question': { body: { messages: user('hello') } },
  'a question, asked under an alias': { body: { model: 'GPT-4o', messages: user('some code') } },
  'auto in any spelling': { body: { model: 'openai/Auto', messages: user('easy') } },
  'a picture': { body: { messages: user([{ type: 'text', text: 'easy' }, image]) } },
  'tools for an entry without': { body: { messages: user('easy'), tools: [tool('lookup')] } },
  'a long prompt': { body: { messages: user(`easy ${'x '.repeat(30_000)}`) } },
  'a prompt too long for all': { body: { messages: user('x '.repeat(500_000)) } },
  'a long answer': { body: { messages: user('easy'), max_tokens: 32_000 } },
  'a key for few targets': { body: { messages: user('some code') }, key: 'few' },
  'a key for few targets, with a picture': { body: { messages: user([image]) }, key: 'few' },
  'a coding agent': { body: { messages: user('fix it'), tools: [tool('bash'), tool('edit')] } },
  'a title': {
    body: { messages: user('Generate a title for the chat.\n<chat_history>\nUSER: code\n</chat_history>') },
  },
  'a rule on a header': { body: { messages: user('some code') }, headers: { 'x-tier': 'Batch' } },
  'targets by header': { body: { messages: user('hello') }, headers: { 'x-llm-router-targets': 'vlm, big' } },
  'an exclusion': { body: { messages: user('some code'), 'nim-llm-router': { exclude: ['big'] } } },
  'a price cap': { body: { messages: user('some code') }, headers: { 'x-llm-router-max-price': '0.1' } },
  'a policy by header': {
    body: { model: 'gpt-x', messages: user('code') },
    headers: { 'x-llm-router-policy': 'cheap' },
  },
  'by hand': {
    body: { messages: user('x'), 'nim-llm-router': { routing_strategy: 'manual', model: 'Code' } },
  },
  'by hand, what it can’t': {
    body: { messages: user([image]), 'nim-llm-router': { routing_strategy: 'manual', model: 'Code' } },
  },
  'a wrong name': { body: { messages: user('x') }, headers: { 'x-llm-router-exclude': 'bigg' } },
  'a list of prompts': { body: { model: 'tasks', prompt: ['some', 'code'] }, path: '/v1/completions' },
  'a follow-up': { body: { messages: [...user('some code'), assistant('ok'), ...user('more')] } },
  'a conversation': { body: { messages: user('some code') }, headers: { 'x-session-id': 's' } },
  'the same later': { body: { messages: user('hello again, my friend') }, headers: { 'x-session-id': 's' } },
  'the same without a name': {
    body: { messages: [...user('some code'), assistant('yes'), ...user('fine, thank you')] },
  },
  'a title in it': {
    body: { messages: user('Generate a title for the chat.\n<chat_history>\nUSER: x\n</chat_history>') },
    headers: { 'x-session-id': 's' },
  },
  ...Object.fromEntries(
    Array.from({ length: 6 }, (_, n) => [
      `side ${n} of a canary`,
      { body: { model: 'halves', messages: user('some code') }, headers: { 'x-session-id': `c${n}` } },
    ]),
  ),
};

for (const [what, { body, headers, key = 'all', path = '/v1/chat/completions' }] of Object.entries(CASES))
  test(what, async () => {
    const init = { headers: { authorization: `Bearer ${key}`, ...headers } };
    const sent = { model: 'auto', ...body };
    const previewed = await chat(whole.url, sent, { ...init, path: '/v1/route' });
    const preview = (await previewed.json()) as Record<string, unknown>;
    const called = await chat(whole.url, sent, { ...init, path });
    const answer = (await called.json()) as Record<string, unknown>;
    assert.equal(previewed.status, called.status, JSON.stringify(answer));
    if (called.status !== 200) {
      assert.deepEqual(preview, answer);
      return;
    }
    const told = (name: string) => called.headers.get(`x-llm-router-${name}`);
    assert.deepEqual(
      [preview.policy, preview.model, preview.reason, preview.entry],
      [told('policy'), told('model'), told('reason'), called.headers.get('x-chosen-classifier')],
    );
    const upstream = whole.llms.seen.at(-1)!.body as Record<string, unknown>;
    assert.equal(preview.model, upstream.model);
    const extra = preview.extra_body as { reasoning_effort?: string } | null;
    assert.equal(upstream.reasoning_effort, extra?.reasoning_effort);
    assert.equal(upstream['nim-llm-router'], undefined);
  });

test('the preview tells what was understood, and names conversations by digests alone', async () => {
  const body = {
    model: 'auto',
    tools: [tool('bash'), tool('apply_patch')],
    messages: [...user('mend the code'), assistant('…'), { role: 'tool', tool_call_id: 'c', content: 'x' }],
  };
  const headers = { authorization: 'Bearer all', 'x-session-id': 'my-session' };
  const text = await (await chat(whole.url, body, { headers, path: '/v1/route' })).text();
  const told = JSON.parse(text) as Record<string, Record<string, unknown>>;
  assert.deepEqual([told.ask!.text, told.ask!.source], ['mend the code', 'earlier_user']);
  assert.deepEqual([told.features!.agent, told.features!.tools], ['coding', ['shell', 'edit']]);
  assert.match(String((told.features!.evidence as Record<string, string>).agent), /tools that/);
  assert.equal(told.turn!.kind, 'loop');
  assert.match(String(told.conversation), /^[\w-]{22}$/);
  assert.doesNotMatch(text, /my-session/);
});

test('what rules ask for is fields the router keeps to itself', async () => {
  await (
    await chat(
      whole.url,
      { model: 'auto', messages: user('hi') },
      {
        headers: {
          authorization: 'Bearer all',
          'x-llm-router-exclude': 'big',
          'x-llm-router-max-price': '5',
        },
      },
    )
  ).text();
  const sent = Object.keys(whole.llms.seen.at(-1)!.headers ?? {});
  assert.deepEqual(
    sent.filter((name) => name.startsWith('x-llm-router-')),
    [],
  );
});
