/** Budgets hold what requests under way will spend: a burst at once spends them once, over replicas too. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { budgetSchema } from '../src/config/schema-limits.ts';
import { redisSchema } from '../src/config/schema-redis.ts';
import { RouterError } from '../src/errors.ts';
import { Budgets } from '../src/ledger/budgets.ts';
import { Counters } from '../src/ledger/counters.ts';
import { type Hold, Holds } from '../src/ledger/holds.ts';
import { createLog, createMetrics } from '../src/observe/index.ts';
import { createRedis } from '../src/redis/index.ts';
import { chat, eventually, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

let server: RedisServer;
let plain: Redis;
before(async () => {
  server = await startRedis();
  plain = new Redis(server.url);
});
after(async () => {
  plain.disconnect();
  await server.close();
});
const closing: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.allSettled(closing.splice(0).map((close) => close())).then(() => {}));

const WHO = { key: 'ann', tenant: 'acme', policy: 'one' };
const usage = (tokens: number) =>
  ({ promptTokens: tokens, completionTokens: 0, cachedTokens: 0, source: 'upstream' }) as const;

/** One replica's budgets; all of one prefix share them. */
async function replica(prefix: string | null, given: object, leaseMs = 30_000) {
  const metrics = createMetrics();
  const log = createLog({ level: 'error', stream: process.stderr });
  const config = redisSchema.parse({
    url: server.url,
    key_prefix: prefix ?? 'none',
    call_timeout_ms: 60_000,
  });
  const redis = prefix === null ? null : createRedis(config, metrics, log);
  if (redis) assert.ok(await redis.ready(10_000));
  const counters = new Counters(redis, metrics, { flushMs: 20 });
  const holds = new Holds(redis, counters, leaseMs);
  const budgets = new Budgets(
    [budgetSchema.parse({ name: 'b', period: 'day', ...given })],
    counters,
    metrics,
    holds,
  );
  const close = async () => {
    await counters.close();
    await holds.close();
    await redis?.close();
  };
  closing.push(close);
  return {
    budgets,
    /** Null: refused. */
    ask: async (tokens: number, usd = 0): Promise<Hold | null> => {
      try {
        return await budgets.hold(WHO, () => ({ tokens, usd }));
      } catch (error) {
        if (!(error instanceof RouterError) || error.code !== 'insufficient_quota') throw error;
        return null;
      }
    },
  };
}

for (const [name, prefix] of [
  ['memory', null],
  ['Redis', 'holds'],
] as const) {
  test(`${name}: what is held is not spent again; what is charged stays, what is not comes back`, async () => {
    const one = await replica(prefix, { tokens: 1_000 });
    const granted = await Promise.all(Array.from({ length: 60 }, () => one.ask(100)));
    const held = granted.filter((hold) => hold !== null);
    assert.equal(held.length, 10);
    await assert.rejects(
      one.budgets.hold(WHO, () => ({ tokens: 1, usd: 0 })),
      (error: RouterError) => {
        assert.match(error.message, /what is left is held by requests under way/);
        assert.equal(error.headers['retry-after'], '1');
        return true;
      },
    );
    // Half of them used nothing, the others half of what they held.
    for (const [index, hold] of held.entries()) {
      if (index % 2 === 0) hold.release(false);
      else {
        one.budgets.charge(WHO, { usage: usage(50), costUsd: null });
        hold.release(true);
        hold.release(true);
      }
    }
    let more = 0;
    await eventually('the rest is there again', async () => {
      while (await one.ask(100)) more++;
      return more === 8;
    });
    one.budgets.charge(WHO, { usage: usage(1_000), costUsd: null });
    await assert.rejects(one.budgets.check(WHO), /is spent/);
  });
}

test('replicas hold together, and what one holds that dies comes back', async () => {
  const dying = await replica('shared', { usd: 5 }, 400);
  const living = await replica('shared', { usd: 5 }, 400);
  const all = await Promise.all(Array.from({ length: 30 }, (_, n) => (n % 2 ? dying : living).ask(1, 1)));
  assert.equal(all.filter(Boolean).length, 5);
  // As they stand when nobody has renewed them.
  const [hash] = (await plain.keys('{shared}:budget:*')) as [string];
  const [leases] = (await plain.keys('{shared}:held:budget:*')) as [string];
  const members = await plain.zrange(leases, '0', '-1');
  await plain.zadd(leases, '0', members[0]!, '0', members[1]!);
  await eventually('its holds are free', async () => (await living.ask(1, 1)) !== null);
  assert.ok(Number(await plain.hget(hash, 'held')) <= 5e9);
  assert.ok((await plain.ttl(hash)) > 0 && (await plain.pttl(leases)) > 0);
});

test('holds that are renewed last as long as their request', async () => {
  const one = await replica('renewed', { tokens: 100 }, 300);
  const hold = await one.ask(100);
  await new Promise((done) => setTimeout(done, 900));
  assert.equal(await one.ask(1), null);
  hold!.release(false);
  await eventually('it is free', async () => (await one.ask(1)) !== null);
});

const running: Whole[] = [];
afterEach(() => Promise.allSettled(running.splice(0).map((whole) => whole.stop())).then(() => {}));

for (const [name, redis] of [
  ['memory', () => ''],
  ['Redis', () => `redis: { url: "${server.url}", key_prefix: burst, call_timeout_ms: 60000 }`],
] as const) {
  test(`${name}: sixty at once spend a budget in USD once, at the dearest price that they may cost`, async () => {
    const whole = await startWhole({
      config: `
targets: [{ name: cheap, api_base: "{LLM}", model: m, price: { input: 0, output: 1 } }, { name: dear, api_base: "{LLM}", model: d, price: { input: 0, output: 1000 } }]
policies: [{ name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: dear }, { name: B, target: cheap }] }]
budgets: [{ name: team, scope: tenant, period: day, usd: 5 }]
${redis()}`,
      standIns: false,
      connect: () => scriptedClassifier(['A', 'B'], () => favour(['A', 'B'], 'A')),
      llms: {
        respond: () => ({
          headers: { 'content-type': 'application/json' },
          chunks: [
            Buffer.from(
              JSON.stringify({
                choices: [{ message: { role: 'assistant', content: 'Well.' } }],
                usage: { prompt_tokens: 10, completion_tokens: 1_000 },
              }),
            ),
          ],
        }),
      },
    });
    running.push(whole);
    const ask = () => chat(whole.url, { model: 'one', messages: user('Hello'), max_tokens: 1_000 });
    const burst = await Promise.all(Array.from({ length: 60 }, ask));
    const statuses = burst.map(({ status }) => status);
    // A dollar each: what ended while others came may have made room, and no more.
    const paid = statuses.filter((status) => status === 200).length;
    assert.equal(paid, 5, String(statuses));
    assert.equal(statuses.filter((status) => status === 429).length, 55);
    await eventually('it is spent', async () => {
      const response = await ask();
      return response.status === 429 && /is spent/.test(await response.text());
    });
  });
}
