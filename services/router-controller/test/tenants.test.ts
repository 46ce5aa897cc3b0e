/** Tenants do not touch: places, common limits and the classifier are shared, and what a caller may do is known before its body is. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { afterEach, test } from 'node:test';
import { hashKey } from '../src/authenticate/index.ts';
import { chat, eventually, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const running: Whole[] = [];
afterEach(() => Promise.allSettled(running.splice(0).map((whole) => whole.stop())).then(() => {}));

async function start(more: string, classify?: (text: string) => Promise<void>): Promise<Whole> {
  const whole = await startWhole({
    config: `
targets: [{ name: llm, api_base: "{LLM}", model: m }]
policies: [{ name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }]
default_policy: one
auth:
  keys:
    - { id: ann, hash: '${hashKey('ann')}', tenant: acme }
    - { id: bob, hash: '${hashKey('bob')}', tenant: other }
${more}`,
    standIns: false,
    connect: () =>
      scriptedClassifier(['A', 'B'], async (text) => {
        await classify?.(text);
        return favour(['A', 'B'], 'A');
      }),
    llms: {
      respond: ({ body }) =>
        String(body.messages?.[0]?.content).startsWith('hang') ? { chunks: [], stall: true } : null,
    },
  });
  running.push(whole);
  return whole;
}
const as = (key: string) => ({ authorization: `Bearer ${key}` });
const ask = (whole: Whole, key: string, content: string, more: object = {}, signal?: AbortSignal) =>
  chat(
    whole.url,
    { model: 'auto', messages: user(content), ...more },
    { headers: as(key), ...(signal && { signal }) },
  );
const route = (whole: Whole, key: string, body: unknown) =>
  chat(whole.url, body as object, { headers: as(key), path: '/v1/route' });

test('a tenant that holds all the places it can leaves others served', async () => {
  const whole = await start('server: { max_in_flight: 20, max_queue: 20, max_queue_wait_ms: 500 }');
  const leaving = new AbortController();
  const held = Array.from({ length: 20 }, () =>
    ask(whole, 'ann', 'hang', {}, leaving.signal).catch(() => null),
  );
  await eventually('it holds what it may', () => whole.llms.seen.length === 15);
  for (let n = 0; n < 3; n++) assert.equal((await ask(whole, 'bob', 'Hello')).status, 200);
  leaving.abort();
  await Promise.all(held);
});

test('a limit of all callers can’t be held near empty by reserving much and leaving', async () => {
  const whole = await start('limits: [{ name: everybody, scope: global, tokens_per_minute: 1000000 }]');
  const leaving = new AbortController();
  const attack = (max_tokens: number) =>
    ask(whole, 'ann', 'hang', { max_tokens }, leaving.signal).catch(() => null);
  const attacks = [attack(990_000)];
  await eventually('the first is upstream', () => whole.llms.seen.length > 0);
  attacks.push(...[9_000, 400, 400, 200, 200, 100].map(attack));
  for (let n = 0; n < 3; n++) {
    const response = await ask(whole, 'bob', 'Hello');
    assert.equal(response.status, 200);
    assert.ok(Number(response.headers.get('x-ratelimit-remaining-tokens')) > 240_000);
    await response.text();
  }
  const more = await ask(whole, 'ann', 'Hello', { max_tokens: 1_000 });
  assert.equal(more.status, 429);
  assert.match(await more.text(), /have reserved its share/);
  leaving.abort();
  await Promise.all(attacks);
  await eventually('all is given back', async () => (await ask(whole, 'ann', 'Hello')).status === 200);
});

test('each prompt of a list counts as a request; a list that does not fit is refused whole', async () => {
  const whole = await start('limits: [{ name: rpm, requests_per_minute: 5 }]');
  const list = (length: number) => Array.from({ length }, (_, n) => ({ prompt: `prompt ${n}` }));
  const refused = await route(whole, 'ann', list(256));
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  const answered = await route(whole, 'ann', list(4));
  assert.equal(answered.status, 200);
  assert.equal(((await answered.json()) as unknown[]).length, 4);
  assert.equal((await route(whole, 'ann', { prompt: 'one more' })).status, 429);
  assert.equal((await ask(whole, 'ann', 'Hello')).status, 429);
  assert.equal((await route(whole, 'bob', list(5))).status, 200);
});

test('a policy’s limit counts the prompts of a list that it decides', async () => {
  const whole = await start('limits: [{ name: p, scope: policy, requests_per_minute: 3 }]');
  assert.equal((await route(whole, 'ann', [{ prompt: 'a' }, { prompt: 'b' }])).status, 200);
  assert.equal((await route(whole, 'bob', [{ prompt: 'a' }, { prompt: 'b' }])).status, 429);
  assert.equal((await route(whole, 'bob', { prompt: 'a' })).status, 200);
});

test('a flood of prompts takes no more turns at the classifier than one tenant may, and lists are served whole', async () => {
  let at = 0;
  let most = 0;
  const whole = await start(
    'classifier: { preview_concurrency: 8, cache_entries: 0, deadline_ms: 5000 }',
    async (text) => {
      if (!text.startsWith('flood')) return;
      most = Math.max(most, ++at);
      await new Promise((done) => setTimeout(done, 5));
      at--;
    },
  );
  const floods = Array.from({ length: 3 }, (_, list) =>
    route(
      whole,
      'ann',
      Array.from({ length: 100 }, (_, n) => ({ prompt: `flood ${list} ${n}` })),
    ),
  );
  const other = await route(whole, 'bob', { prompt: 'mine' });
  assert.equal(((await other.json()) as { reason: string }).reason, 'classified');
  for (const response of await Promise.all(floods)) {
    const told = (await response.json()) as { reason: string }[];
    assert.ok(told.every(({ reason }) => reason === 'classified'));
  }
  assert.ok(most >= 1 && most <= 6, String(most));
});

test('models, configuration and usage are under the limits of requests, and free of budgets', async () => {
  const whole = await start(`
limits: [{ name: rpm, requests_per_minute: 4 }]
budgets: [{ name: none, scope: tenant, match: other, period: day, tokens: 1 }]`);
  for (const path of ['/v1/models', '/v1/usage', '/config', '/v1/models/auto']) {
    const response = await fetch(`${whole.url}${path}`, { headers: as('ann') });
    assert.equal(response.status, 200, path);
    assert.equal(response.headers.get('x-ratelimit-limit-requests'), '4');
  }
  for (const path of ['/v1/models', '/v1/usage', '/config'])
    assert.equal((await fetch(`${whole.url}${path}`, { headers: as('ann') })).status, 429, path);
  await (await ask(whole, 'bob', 'Hello')).text();
  await eventually('it is spent', async () => (await ask(whole, 'bob', 'Hello')).status === 429);
  assert.equal((await fetch(`${whole.url}/v1/usage`, { headers: as('bob') })).status, 200);
});

/** The first line of an answer to a request whose body never comes. */
function withoutBody(whole: Whole, key: string): Promise<string> {
  const { hostname, port } = new URL(whole.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    const head = [
      'POST /v1/chat/completions HTTP/1.1',
      'host: localhost',
      `authorization: Bearer ${key}`,
      'content-type: application/json',
      'content-length: 1000000',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    socket.once('error', reject);
    socket.once('data', (data) => {
      resolve(String(data).split('\r\n')[0]!);
      socket.destroy();
    });
  });
}

test('limits of requests and places, and spent budgets, refuse before a byte of the body has come; places come back from those who never send one', async () => {
  const whole = await start(`
limits:
  - { name: rpm, match: ann, requests_per_minute: 1 }
  - { name: slots, scope: tenant, match: other, concurrent: 1 }
budgets: [{ name: spent, scope: key, match: ann, period: day, tokens: 1000000 }]`);
  assert.equal((await ask(whole, 'ann', 'Hello')).status, 200);
  assert.match(await withoutBody(whole, 'ann'), / 429 /);
  assert.match(await withoutBody(whole, 'nobody'), / 401 /);
  const { hostname, port } = new URL(whole.url);
  const silent = connect(Number(port), hostname);
  silent.write(
    'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer bob\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n',
  );
  await eventually('it holds the place', () => whole.router.inFlight() === 1);
  assert.equal((await ask(whole, 'bob', 'Hello')).status, 429);
  assert.match(await withoutBody(whole, 'bob'), / 429 /);
  silent.destroy();
  await eventually('the place is free', async () => (await ask(whole, 'bob', 'Hello')).status === 200);
});
