/** What happens in a router reaches a real receiver: signed, once over replicas, without prompts or secrets, never in a request's way. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { freePort } from '../../../scripts/parts/process.ts';
import { startRedis } from '../proof/limits/start-redis.ts';
import { hashKey } from '../src/authenticate/index.ts';
import { parseConfig } from '../src/config/load.ts';
import { classifierNotice, Notifier, sharingNotice } from '../src/notify/index.ts';
import { createLog, createMetrics } from '../src/observe/index.ts';
import { createRedis } from '../src/redis/index.ts';
import {
  chat,
  eventually as eventuallyWithin,
  favour,
  sample,
  scriptedClassifier,
  startWhole,
  user,
  type Whole,
} from './harness.ts';
import { startReceiver } from './webhook-receiver.ts';

const LABELS = ['A', 'B'];
const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const KEY = 'sk-llmr-key-of-a-client-0123456789';
const OTHER_KEY = 'sk-llmr-key-of-another-0123456789';
const PROMPT = 'the plan that nobody is to know';

/** Patient: a busy machine is no failure. */
const eventually = (what: string, holds: () => boolean | Promise<boolean>) =>
  eventuallyWithin(what, holds, 60_000);

type Receiver = Awaited<ReturnType<typeof startReceiver>>;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface SceneOptions {
  readonly receiver: Receiver;
  readonly upstream?: string;
  readonly more?: string;
  readonly classifierAway?: () => boolean;
  readonly keyBad?: () => boolean;
}

async function start({
  receiver,
  upstream,
  more = '',
  classifierAway,
  keyBad,
}: SceneOptions): Promise<Whole> {
  const connect = () => {
    const client = scriptedClassifier(LABELS, () => favour(LABELS, 'A'));
    return {
      ...client,
      describe: async () => {
        if (classifierAway?.()) throw new Error('nobody answers');
        return client.describe({ deadlineMs: 1_000 });
      },
    };
  };
  const whole = await startWhole({
    config: config(receiver.url, upstream, more),
    standIns: false,
    watch: true,
    connect,
    llms: { fault: () => (keyBad?.() ? { kind: 'status', status: 401, retryAfter: null } : null) },
  });
  closers.push(whole.stop);
  return whole;
}

const config = (hook: string, upstream = '{LLM}', more = '') => `
upstream: { breaker_failures: 2, breaker_open_ms: 50, bad_key_rest_ms: 1 }
targets:
  - { name: llm, api_base: "${upstream}", model: m, api_key: nvapi-key-of-the-upstream, price: { input: 100, output: 100000 } }
policies:
  - { name: one, url: "grpc://127.0.0.1:9/m", fallback: A, retry_budget: { attempts: 1 }, llms: [{ name: A, target: llm }, { name: B, target: llm }] }
default_policy: one
auth: { keys: [{ id: client, tenant: acme, hash: "${hashKey(KEY)}" }, { id: other, tenant: rival, hash: "${hashKey(OTHER_KEY)}" }] }
notify:
  settle_ms: 100
  retry_first_ms: 10
  webhooks: [{ name: ops, url: "${hook}", secret: "${SECRET}" }]
${more}
`;

const ask = async (whole: Whole, key = KEY) => {
  const headers = { authorization: `Bearer ${key}` };
  const response = await chat(whole.url, { model: 'one', messages: user(PROMPT) }, { headers });
  await response.text();
  return response.status;
};

function payloads(receiver: Receiver) {
  return receiver.received.map(({ body, headers }) => {
    assert.ok(!body.includes(PROMPT) && !body.includes('nvapi-') && !body.includes(SECRET), body);
    return new Webhook(SECRET).verify(body, headers) as {
      type: string;
      timestamp: string;
      data: Record<string, unknown>;
    };
  });
}
const told = (receiver: Receiver, type: string) =>
  payloads(receiver).filter((payload) => payload.type === type);
const arrives = (receiver: Receiver, type: string, count = 1) =>
  eventually(`${type} has come`, () => told(receiver, type).length >= count);

async function receiverOf() {
  const receiver = await startReceiver();
  closers.push(receiver.close);
  return receiver;
}

/** An upstream that can be taken away and put back at the same address. */
async function startUpstream() {
  let server: Server;
  const port = await freePort();
  const up = async () => {
    server = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          id: 'c',
          object: 'chat.completion',
          model: 'm',
          choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'hello' } }],
          usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
        }),
      );
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  };
  const down = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  await up();
  closers.push(down);
  return { url: `http://127.0.0.1:${port}`, up, down };
}

test('a breaker that opens and closes', async () => {
  const [receiver, upstream] = [await receiverOf(), await startUpstream()];
  const whole = await start({ receiver, upstream: upstream.url });
  assert.equal(await ask(whole), 200);
  await upstream.down();
  for (let request = 0; request < 4; request++) await ask(whole);
  await arrives(receiver, 'breaker.opened');
  await upstream.up();
  await eventually('it answers', async () => (await ask(whole)) === 200);
  await arrives(receiver, 'breaker.closed');
  const [opened] = told(receiver, 'breaker.opened');
  assert.equal(opened!.data.target, 'llm');
  assert.equal(opened!.data.severity, 'error');
  assert.match(String(opened!.data.summary), /^Target llm fails and rests/);
  assert.equal(opened!.data.once, false, 'no Redis: each replica tells');
  assert.ok(Math.abs(Date.parse(opened!.timestamp) - Date.now()) < 60_000);
});

test('a key that an upstream refuses, and takes again; a classifier that goes and comes back', async () => {
  const receiver = await receiverOf();
  let [bad, away] = [true, false];
  const whole = await start({ receiver, keyBad: () => bad, classifierAway: () => away });
  await ask(whole);
  await arrives(receiver, 'upstream_key.refused');
  assert.equal(told(receiver, 'upstream_key.refused')[0]!.data.status, 401);
  bad = false;
  await eventually('it answers', async () => (await ask(whole)) === 200);
  await arrives(receiver, 'upstream_key.taken');
  // Nothing of it is told before there was any trouble.
  assert.deepEqual(told(receiver, 'classifier.back'), []);
  away = true;
  whole.rewrite(
    config(receiver.url).replace('fallback: A,', 'threshold: 0.1, fallback: A,').replace(':9/m', ':9/n'),
  );
  await arrives(receiver, 'classifier.gone');
  away = false;
  await arrives(receiver, 'classifier.back');
  assert.equal(told(receiver, 'classifier.gone')[0]!.data.policy, 'one');
});

test('a configuration that is refused, with why, and one that is applied', async () => {
  const receiver = await receiverOf();
  const whole = await start({ receiver });
  whole.rewrite(`${config(receiver.url)}\nlimitz: []\n`);
  await arrives(receiver, 'config.refused');
  const [refused] = told(receiver, 'config.refused');
  assert.match(String(refused!.data.summary), /limitz: unknown key\. Did you mean 'limits'\?/);
  whole.rewrite(`${config(receiver.url)}\nlimits: [{ name: l, requests_per_minute: 100000 }]\n`);
  await arrives(receiver, 'config.applied');
  const [applied] = told(receiver, 'config.applied');
  assert.notEqual(applied!.data.in_force, applied!.data.before);
});

test('a budget that comes near its end and reaches it, told once each, whoever asks on', async () => {
  const receiver = await receiverOf();
  // An answer of the stand-in costs some dollars at such prices.
  const whole = await start({
    receiver,
    more: 'budgets: [{ name: team, scope: tenant, period: month, usd: 5, warn_at: 0.01 }]',
  });
  await ask(whole);
  await arrives(receiver, 'budget.near');
  await eventually('spent', async () => (await ask(whole)) === 429);
  await arrives(receiver, 'budget.spent');
  assert.equal(await ask(whole), 429);
  assert.equal(await ask(whole, OTHER_KEY), 200);
  await eventually('the other’s, too', () => told(receiver, 'budget.near').length === 2);
  const [near, others] = told(receiver, 'budget.near');
  assert.equal(near!.data.holder, 'acme');
  assert.equal(others!.data.holder, 'rival');
  const [spent, ...more] = told(receiver, 'budget.spent');
  assert.deepEqual(more, []);
  assert.equal(spent!.data.budget, 'team');
  assert.ok(Number(spent!.data.used) >= 5);
  assert.match(String(spent!.data.summary), /^Budget 'team' of tenant 'acme' for \d{4}-\d{2} is spent: /);
});

/** A replica's notifier with its own connection to a Redis that they share. */
async function startReplica(receiver: Receiver, redisUrl: string) {
  const metrics = createMetrics();
  const log = createLog({ level: 'error', stream: new PassThrough().resume() });
  const text = `${config(receiver.url, 'http://127.0.0.1:9')}\nredis: { url: "${redisUrl}", call_timeout_ms: 60000 }`;
  const parsed = parseConfig(text, 'router.yaml', { env: {} });
  const redis = createRedis(parsed.file.redis, metrics, log)!;
  const notifier = new Notifier({ config: parsed, redis, metrics, log });
  redis.hearBy((up, problem) => notifier.tell(sharingNotice(up, problem)));
  closers.push(async () => {
    await notifier.close();
    await redis.close();
  });
  assert.ok(await redis.ready(60_000));
  return { notifier, held: () => sample(metrics, 'llm_router_notices_total', { result: 'told_by_another' }) };
}

test('of replicas on one Redis one tells; when Redis goes, each says so for itself', async () => {
  const receiver = await receiverOf();
  const shared = await startRedis();
  let open = true;
  closers.push(async () => open && shared.close());
  const replicas = [await startReplica(receiver, shared.url), await startReplica(receiver, shared.url)];
  const held = async () => (await replicas[0]!.held()) + (await replicas[1]!.held());
  for (const { notifier } of replicas) notifier.tell(classifierNotice('one', false, 'away'));
  await eventually(
    'one told, the other kept silent',
    async () => receiver.received.length === 1 && (await held()) === 1,
  );
  for (const { notifier } of replicas) notifier.tell(classifierNotice('one', true, null));
  await eventually(
    'and so when it came back',
    async () => receiver.received.length === 2 && (await held()) === 2,
  );
  for (const { notifier } of replicas) notifier.tell(classifierNotice('one', false, 'away again'));
  await eventually('and the next time', async () => receiver.received.length === 3 && (await held()) === 3);
  assert.deepEqual(receiver.types(), ['classifier.gone', 'classifier.back', 'classifier.gone']);
  assert.deepEqual(
    payloads(receiver).map(({ data }) => data.once),
    [true, true, true],
  );
  await shared.close();
  open = false;
  await eventually('both', () => told(receiver, 'limits.not_shared').length === 2);
  assert.deepEqual(
    told(receiver, 'limits.not_shared').map(({ data }) => data.once),
    [false, false],
  );
});

test('a receiver that hangs holds up neither requests nor, for long, the stop', async () => {
  const receiver = await receiverOf();
  receiver.answerBy(() => {});
  const upstream = await startUpstream();
  const whole = await start({ receiver, upstream: upstream.url });
  await upstream.down();
  for (let request = 0; request < 4; request++) await ask(whole);
  await eventually('it has come', () => receiver.received.length === 1);
  await upstream.up();
  await eventually('requests are answered', async () => (await ask(whole)) === 200);
  await whole.stop();
  assert.equal(await sample(whole.metrics, 'llm_router_notices_total', { result: 'sent' }), 0);
  assert.ok((await sample(whole.metrics, 'llm_router_notices_total', { result: 'given_up' })) >= 1);
});
