/** Money, whole: prices → cost → usage → budget, over replicas, restarts and a Redis that goes away. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { RouterServer } from '@llm-router/router-server';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { hashKey } from '../src/authenticate/index.ts';
import { chat, eventually, startClassifier, startWhole, user, type Whole } from './harness.ts';

let classifier: RouterServer;
let redis: RedisServer;
before(async () => {
  [classifier, redis] = await Promise.all([startClassifier(), startRedis()]);
});
after(async () => {
  await classifier.close();
  await redis.close();
});

let run = 0;
const config = (more: string, prefix = `money${++run}`) => `
targets:
  - { name: cheap, api_base: "{LLM}", api_key: "", model: cheap-1, price: { input: 1000, output: 2000 } }
policies:
  - name: task_router
    url: grpc://127.0.0.1:8001/task_router_ensemble
    fallback: Other
    llms:
${['Brainstorming', 'Chatbot', 'Classification', 'Closed QA', 'Code Generation', 'Extraction', 'Open QA', 'Other', 'Rewrite', 'Summarization', 'Text Generation', 'Unknown'].map((label) => `      - { name: ${label}, target: cheap }`).join('\n')}
default_policy: task_router
auth:
  keys:
    - { id: ann, hash: "${hashKey('key-of-ann')}", tenant: acme }
    - { id: bob, hash: "${hashKey('key-of-bob')}", tenant: acme, budget: { period: month, tokens: 1, warn_at: 0 } }
redis: { url: "${redis.url}", key_prefix: ${prefix}, call_timeout_ms: 1000 }
${more}`;

/** Stopped after its test, also when that failed: a running one would keep the file from ending. */
const running: Whole[] = [];
afterEach(() => Promise.allSettled(running.splice(0).map((whole) => whole.stop())).then(() => {}));
async function start(text: string): Promise<Whole> {
  const whole = await startWhole({
    config: text,
    classifierUrl: `grpc://${classifier.grpc}`,
    standIns: false,
  });
  running.push(whole);
  return whole;
}
const ask = (whole: Whole, key = 'key-of-ann') =>
  chat(
    whole.url,
    { model: 'auto', messages: user('Name three rivers of Asia.'), max_tokens: 16 },
    { headers: { authorization: `Bearer ${key}` } },
  );
interface Report {
  store: string;
  note?: string;
  total: { requests: number; cost_usd: number; input_tokens: number };
  by_target: Record<string, { requests: number }>;
  budgets: { name: string; used: number; limit: number }[];
}
const usage = async (whole: Whole, query = '', key = 'key-of-ann') => {
  const response = await fetch(`${whole.url}/v1/usage${query}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  return {
    status: response.status,
    body: (await response.json()) as Report & { error?: { message: string; param: string } },
  };
};

test('two replicas spend one budget; it survives their restart; usage tells who spent', async () => {
  const text = config('budgets:\n  - { name: team, period: day, usd: 1, warn_at: 0.3 }');
  const [a, b] = [await start(text), await start(text)];
  let paid = 0;
  let warned = false;
  await eventually('the budget is spent', async () => {
    for (const whole of [a, b]) {
      const response = await ask(whole);
      await response.text();
      if (response.status === 429) {
        assert.equal(response.headers.get('x-should-retry'), 'false');
        return true;
      }
      assert.equal(response.status, 200);
      paid++;
      warned ||= response.headers.has('x-llm-router-budget-warning');
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    return false;
  });
  assert.ok(warned, 'a warning came before the stop');
  await eventually('both refuse', async () => {
    // One that has not heard of the other's spending yet may still be served, and that is paid too.
    const statuses = [(await ask(a)).status, (await ask(b)).status];
    paid += statuses.filter((status) => status === 200).length;
    return statuses.every((status) => status === 429);
  });
  await Promise.all([a.stop(), b.stop()]);

  const again = await start(text);
  const refused = await ask(again);
  assert.equal(refused.status, 429);
  const { error } = (await refused.json()) as { error: { type: string; message: string } };
  assert.equal(error.type, 'insufficient_quota');
  assert.match(error.message, /Budget 'team' of tenant 'acme'/);
  const { body } = await usage(again);
  assert.equal(body.store, 'redis');
  assert.equal(body.total.requests, paid);
  assert.equal(body.by_target.cheap!.requests, paid);
  assert.ok(body.total.cost_usd >= 1);
  assert.ok(body.budgets[0]!.used >= 1);
  assert.equal((await usage(again, '?scope=tenant')).body.total.requests, paid);
  await again.stop();
});

test('without Redis a budget stops as well, and usage says that it is of this replica and run alone', async () => {
  const text = config('budgets:\n  - { name: team, period: day, tokens: 1 }').replace(/^redis: .*$/m, '');
  const whole = await start(text);
  assert.equal((await ask(whole)).status, 200);
  await eventually('it is spent', async () => (await ask(whole)).status === 429);
  const { body } = await usage(whole);
  assert.equal(body.store, 'memory');
  assert.match(body.note!, /this replica alone, since it started/);
  await whole.stop();
  const again = await start(text);
  assert.equal((await usage(again)).body.total.requests, 0);
  assert.equal((await ask(again)).status, 200);
});

test('a key’s own budget stops that key alone', async () => {
  const whole = await start(config(''));
  const first = await ask(whole, 'key-of-bob');
  assert.equal(first.status, 200);
  assert.match(first.headers.get('x-llm-router-budget-warning') ?? '', /^key:own;used=0%/);
  await first.text();
  await eventually('bob is stopped', async () => (await ask(whole, 'key-of-bob')).status === 429);
  assert.equal((await ask(whole)).status, 200);
  assert.equal((await usage(whole, '', 'key-of-bob')).body.budgets[0]?.name, 'key:own');
  await whole.stop();
});

test('what is spent while Redis is away is written when it is back, once', async () => {
  const whole = await start(config(''));
  await (await ask(whole)).text();
  await eventually('one is counted', async () => (await usage(whole)).body.total?.requests === 1);
  await redis.pause();
  try {
    for (let i = 0; i < 5; i++) assert.equal((await ask(whole)).status, 200);
    await eventually('usage says that it can’t be read', async () => (await usage(whole)).status === 503);
  } finally {
    redis.resume();
  }
  await eventually('all are counted', async () => (await usage(whole)).body.total?.requests === 6);
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal((await usage(whole)).body.total.requests, 6);
  await whole.stop();
});

test('wrong questions are told what is wrong', async () => {
  const whole = await start(config(''));
  for (const [query, param] of [
    ['?days=0', 'days'],
    ['?days=1&days=2', 'days'],
    ['?scope=all', 'scope'],
    ['?day=1', 'day'],
  ] as const) {
    const { status, body } = await usage(whole, query);
    assert.equal(status, 400, query);
    assert.equal(body.error?.param, param);
  }
  assert.equal((await usage(whole, '', 'wrong')).status, 401);
  await whole.stop();
});
