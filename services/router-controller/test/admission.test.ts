/** Limits as a client meets them: what every answer tells, what a refusal says, and who is served when all come at once. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { OpenAI } from 'openai';
import { hashKey } from '../src/authenticate/index.ts';
import {
  chat,
  eventually,
  favour,
  sample,
  scriptedClassifier,
  startWhole,
  user,
  type Whole,
} from './harness.ts';

const LABELS = ['A', 'B'];
const running: Whole[] = [];
afterEach(() => Promise.allSettled(running.splice(0).map((whole) => whole.stop())).then(() => {}));

const config = (more: string) => `
targets:
  - { name: good, api_base: "{LLM}", model: good, price: { input: 1000000, output: 0 } }
  - { name: bad, api_base: "{LLM}", model: "bad#fault=status:500" }
  - { name: slow, api_base: "{LLM}", model: "slow#fault=stall-in-stream:1" }
policies:
  - { name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: good, fallbacks: [bad] }, { name: B, target: good }] }
  - { name: faulty, url: "grpc://127.0.0.1:9/m", retry_budget: { attempts: 1 }, llms: [{ name: A, target: bad }, { name: B, target: bad }] }
  - { name: long, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: slow }, { name: B, target: slow }] }
auth:
  keys:
    - { id: ann, hash: '${hashKey('ann')}', tenant: acme }
    - { id: bob, hash: '${hashKey('bob')}', tenant: other }
${more}`;

async function start(more: string): Promise<Whole> {
  const whole = await startWhole({
    config: config(more),
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
  running.push(whole);
  return whole;
}

interface Ask {
  readonly key?: string;
  readonly stream?: boolean;
  readonly signal?: AbortSignal;
}
const ask = (whole: Whole, model: string, { key = 'ann', stream = false, signal }: Ask = {}) =>
  chat(
    whole.url,
    { model, stream, messages: user('Hello'), max_tokens: 10 },
    { headers: { authorization: `Bearer ${key}` }, ...(signal && { signal }) },
  );
type ErrorBody = { error: Pick<InstanceType<typeof OpenAI.APIError>, 'message' | 'type' | 'code' | 'param'> };
const errorOf = async (response: Response) => ((await response.json()) as ErrorBody).error;

const NAMES = ['limit', 'remaining', 'reset'].flatMap((what) =>
  ['requests', 'tokens'].map((kind) => `x-ratelimit-${what}-${kind}`),
);

test('every answer tells how the limits stand: plain, stream, an upstream’s fault, refusals of limits and budgets', async () => {
  const whole = await start(`
limits: [{ name: both, requests_per_minute: 6, burst: 4, tokens_per_minute: 60000 }]
budgets: [{ name: money, scope: key, match: bob, period: day, usd: 0.000001 }]`);
  for (const [model, given, status, remaining] of [
    ['one', {}, 200, '3'],
    ['one', { stream: true }, 200, '2'],
    ['faulty', {}, 500, '1'],
    ['faulty', { stream: true }, 500, '0'],
    ['one', {}, 429, '0'],
    ['one', { key: 'bob' }, 200, '3'],
  ] as const) {
    const response = await ask(whole, model, given);
    await response.text();
    assert.equal(response.status, status);
    for (const name of NAMES) assert.ok(response.headers.get(name), `${status}: ${name}`);
    assert.equal(response.headers.get('x-ratelimit-limit-requests'), '6');
    assert.equal(response.headers.get('x-ratelimit-remaining-requests'), remaining);
    assert.match(response.headers.get('x-ratelimit-reset-requests')!, /^(\d+ms|[\d.]+s|\d+m\d+s)$/);
  }
  const spent = await ask(whole, 'one', { key: 'bob' });
  assert.equal((await errorOf(spent)).code, 'insufficient_quota');
  for (const name of NAMES) assert.ok(spent.headers.get(name), name);
  assert.equal(spent.headers.get('x-ratelimit-remaining-requests'), '3', 'and takes nothing');
});

test('a refusal names the limit, whose it is, its kind, and when to come back', async () => {
  const whole = await start(`
limits:
  - { name: rpm, match: ann, requests_per_minute: 1 }
  - { name: tpm, scope: tenant, match: other, tokens_per_minute: 1, burst_tokens: 20 }`);
  for (const [key, type, message] of [
    ['ann', 'requests', /Limit 'rpm' of key 'ann' is reached: 1 requests per minute/],
    ['bob', 'tokens', /Limit 'tpm' of tenant 'other' is reached: 1 tokens per minute/],
  ] as const) {
    assert.equal((await ask(whole, 'one', { key })).status, 200);
    const refused = await ask(whole, 'one', { key });
    assert.equal(refused.status, 429);
    const ms = Number(refused.headers.get('retry-after-ms'));
    assert.ok(ms > 0);
    assert.equal(refused.headers.get('retry-after'), String(Math.ceil(ms / 1_000)));
    const error = await errorOf(refused);
    assert.deepEqual([error.code, error.type, error.param], ['rate_limit_exceeded', type, null]);
    assert.match(error.message, message);
  }
});

test('a limit in shadow mode is counted and refuses nobody', async () => {
  const whole = await start('limits: [{ name: trial, scope: policy, requests_per_minute: 1, shadow: true }]');
  for (let n = 0; n < 3; n++) assert.equal((await ask(whole, 'one')).status, 200);
  const decided = (decision: string) =>
    sample(whole.metrics, 'llm_router_limit_decisions_total', { limit: 'trial', decision });
  assert.deepEqual(
    [await decided('allowed'), await decided('shadow_refused'), await decided('refused')],
    [1, 2, 0],
  );
});

test('a policy’s limit counts its policy alone; a target’s moves the request on to the next target', async () => {
  const whole = await start(`
limits:
  - { name: policy, scope: policy, match: faulty, requests_per_minute: 1 }
  - { name: target, scope: target, match: good, requests_per_minute: 1 }`);
  assert.equal((await ask(whole, 'faulty')).status, 500);
  assert.equal((await ask(whole, 'faulty')).status, 429);
  assert.equal((await ask(whole, 'one')).status, 200);
  // The next target was asked, and its error is told.
  const moved = await ask(whole, 'one');
  assert.equal(moved.status, 500);
  assert.match(moved.headers.get('x-llm-router-model')!, /^bad/);
});

test('past the places and a short queue comes 503 at once, and a flood leaves others served', async () => {
  const whole = await start('server: { max_in_flight: 2, max_queue: 3, max_queue_wait_ms: 20000 }');
  const queued = (count: number) =>
    eventually(
      `${count} wait`,
      async () => (await sample(whole.metrics, 'llm_router_queue_length')) === count,
    );
  const leaving = new AbortController();
  await Promise.all([0, 1].map(() => ask(whole, 'long', { stream: true, signal: leaving.signal })));
  const flood: Promise<Response>[] = [];
  for (const count of [1, 2, 3]) {
    flood.push(ask(whole, 'one'));
    await queued(count);
  }
  const refused = await ask(whole, 'one');
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal((await errorOf(refused)).code, 'overloaded');
  // Another tenant finds the queue full of one: the last of it gives way.
  const other = ask(whole, 'one', { key: 'bob' });
  assert.equal((await flood.at(-1)!).status, 503);
  leaving.abort();
  assert.equal((await other).status, 200);
  assert.deepEqual(
    (await Promise.all(flood)).map(({ status }) => status),
    [200, 200, 503],
  );
});
