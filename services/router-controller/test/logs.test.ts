/** The log: one closing line a request, with all that an operator asks for, and nothing that belongs to users. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hashKey } from '../src/authenticate/index.ts';
import { chat, eventually, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['Easy', 'Hard'];
const KEY = 'llmr_a-key-for-the-log-test';
const PROMPT = 'My card number is 4111 and my key is sk-user-secret-12345, please help';

const config = (more: object = {}) =>
  JSON.stringify({
    default_policy: 'p',
    auth: { keys: [{ id: 'tester', tenant: 'blue', hash: hashKey(KEY) }] },
    targets: [
      {
        name: 'small',
        api_base: '{LLM}/v1',
        api_key: 'nvapi-the-upstreams-key',
        model: 'small',
        price: { input: 1, output: 2 },
      },
      {
        name: 'broken',
        api_base: '{LLM}/v1',
        api_key: 'nvapi-the-upstreams-key',
        model: 'broken#fault=status:500',
      },
    ],
    policies: [
      {
        name: 'p',
        url: 'grpc://127.0.0.1:1/m',
        retry_budget: { attempts: 2 },
        llms: [
          { name: 'Easy', target: 'small' },
          { name: 'Hard', target: 'broken', fallbacks: ['small'] },
        ],
      },
    ],
    ...more,
  });

type Line = Record<string, unknown> & { usage?: object; attempts?: object[]; ms_by_phase?: object };

function linesOf(whole: Whole): Line[] {
  return whole
    .logged()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}
const closing = (whole: Whole, id: string) =>
  linesOf(whole).filter(({ message, request_id }) => message === 'request' && request_id === id);

const start = (more: object = {}) =>
  startWhole({
    config: config(more),
    standIns: false,
    connect: () =>
      scriptedClassifier(LABELS, (text) => favour(LABELS, text.includes('hard') ? 'Hard' : 'Easy')),
    llms: {
      fault: ({ body }) =>
        JSON.stringify(body.messages).includes('LEAVE') ? { kind: 'stall-in-stream', after: 1 } : null,
    },
  });

describe('the log', () => {
  let whole: Whole;
  before(async () => {
    whole = await start();
  });
  after(() => whole.stop());

  const ask = async (id: string, body: object, headers: Record<string, string> = {}) => {
    const response = await chat(whole.url, body, {
      headers: { authorization: `Bearer ${KEY}`, 'x-request-id': id, ...headers },
    });
    await response.text();
    await eventually('its line', () => closing(whole, id).length > 0);
    return closing(whole, id);
  };

  for (const stream of [false, true]) {
    test(`a ${stream ? 'streamed' : 'plain'} answer: decision, timings, tokens, cost, outcome`, async () => {
      const id = `ok-${stream}`;
      const [line, ...more] = await ask(id, { model: 'p', stream, messages: user(PROMPT) });
      assert.equal(more.length, 0, 'one closing line');
      const { caller, tenant, policy, entry, label, reason, target, status } = line!;
      assert.deepEqual(
        { caller, tenant, policy, entry, label, reason, target, status },
        {
          caller: 'tester',
          tenant: 'blue',
          policy: 'p',
          entry: 'Easy',
          label: 'Easy',
          reason: 'classified',
          target: 'small',
          status: 200,
        },
      );
      assert.equal(line!.stream, stream);
      assert.equal(line!.model_version, '1');
      assert.ok((line!.cost_usd as number) > 0);
      assert.deepEqual(Object.keys(line!.usage!).sort(), [
        'cached_tokens',
        'completion_tokens',
        'prompt_tokens',
        'source',
      ]);
      assert.deepEqual(Object.keys(line!.ms_by_phase!).sort(), [
        'admit',
        'authenticate',
        'call',
        'decide',
        'receive',
      ]);
      assert.equal(line!.attempts!.length, 1);
      assert.match(String(line!.timestamp), /^\d{4}-\d\d-\d\dT.*Z$/);
      assert.equal(line!.level, 'info');
    });
  }

  test('a fallback: every attempt with its outcome', async () => {
    const [line] = await ask('fallback', { model: 'p', messages: user('a hard one') });
    const outcomes = (line!.attempts as { target: string; outcome: string }[]).map((each) => [
      each.target,
      each.outcome,
    ]);
    assert.deepEqual(outcomes, [
      ['broken', 'status_5xx'],
      ['small', 'ok'],
    ]);
  });

  test('refusals and clients that leave have their line, too', async () => {
    const [unknown] = await ask(
      'unknown',
      { model: 'p', messages: user(PROMPT) },
      { authorization: 'Bearer llmr_nobody-has-this' },
    );
    assert.equal(unknown!.status, 401);
    assert.equal(unknown!.code, 'invalid_api_key');
    const [policy] = await ask('policy', { messages: user(PROMPT), 'nim-llm-router': { policy: 'none' } });
    assert.equal(policy!.code, 'policy_not_found');
    const leaving = new AbortController();
    const response = await chat(
      whole.url,
      { model: 'p', stream: true, messages: user('LEAVE') },
      { headers: { authorization: `Bearer ${KEY}`, 'x-request-id': 'left' }, signal: leaving.signal },
    );
    assert.equal(response.status, 200);
    leaving.abort();
    await eventually('its line', () => closing(whole, 'left').length === 1);
    const [left] = closing(whole, 'left');
    assert.equal(left!.status, 499);
    assert.equal(left!.phase, 'relay');
  });

  test('no prompt, no answer, no key is in any line, at any level', () => {
    const all = whole.logged();
    assert.ok(linesOf(whole).length >= 6);
    for (const secret of ['card number', 'sk-user', KEY, 'nvapi-', 'nobody-has-this', 'stand-in for'])
      assert.ok(!all.includes(secret), `${secret} is logged`);
  });
});

test('with logging.prompts the classified text is in the line, without the secrets in it', async () => {
  const whole = await start({ logging: { prompts: true } });
  try {
    const response = await chat(
      whole.url,
      { model: 'p', messages: user(PROMPT) },
      { headers: { authorization: `Bearer ${KEY}`, 'x-request-id': 'prompts' } },
    );
    const answer = await response.text();
    await eventually('its line', () => closing(whole, 'prompts').length === 1);
    assert.equal(closing(whole, 'prompts')[0]!.prompt, PROMPT.replace('sk-user-secret-12345', '[REDACTED]'));
    const { content } = (JSON.parse(answer) as { choices: { message: { content: string } }[] }).choices[0]!
      .message;
    assert.ok(!whole.logged().includes(content.slice(0, 40)));
  } finally {
    await whole.stop();
  }
});
