/** A Redis that answers, but later than a request waits: limits stay what they are, and nothing is counted twice or lost. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { Admission, type Grant } from '../src/admit/index.ts';
import type { RouterConfig } from '../src/config/index.ts';
import { limitSchema } from '../src/config/schema-limits.ts';
import { redisSchema } from '../src/config/schema-redis.ts';
import { RouterError } from '../src/errors.ts';
import { createLog, createMetrics } from '../src/observe/index.ts';
import { createRedis } from '../src/redis/index.ts';
import type { CallOutcome } from '../src/request.ts';
import { eventually } from './harness.ts';

const CALLER = { id: 'ann', tenant: 'acme', policies: null, targets: null };
const REQUEST = { caller: CALLER, policy: 'p', estimate: () => ({ promptTokens: 10, answerTokens: 10 }) };
const MINUTE_MS = 60_000;

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

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

async function replica(key_prefix: string, limit: object) {
  const config = redisSchema.parse({ url: server.url, key_prefix, call_timeout_ms: 150 });
  const metrics = createMetrics();
  const redis = createRedis(config, metrics, createLog({ level: 'error', stream: process.stderr }))!;
  const file = {
    limits: [limitSchema.parse({ name: 'l', ...limit })],
    admission: { assumed_answer_tokens: 1 },
  };
  const subject = new Admission({ config: { file } as unknown as RouterConfig, metrics, redis });
  open.push(async () => {
    await subject.close();
    await redis.close();
  });
  await eventually('Redis is reached', () => redis.up);
  /** Null: refused. */
  const ask = async (): Promise<Grant | null> => {
    try {
      return await subject.admit(REQUEST);
    } catch (error) {
      if (!(error instanceof RouterError) || error.status !== 429) throw error;
      return null;
    }
  };
  return {
    ask,
    up: () => redis.up,
    passing: async (count: number) => {
      let passed = 0;
      for (let i = 0; i < count; i++) if (await ask()) passed++;
      return passed;
    },
  };
}

/** Asks while Redis stands still, and lets it answer afterwards. */
async function late(ask: () => Promise<Grant | null>): Promise<Grant | null> {
  await server.pause();
  try {
    return await ask();
  } finally {
    server.resume();
    await plain.ping();
  }
}

/** Requests that the bucket lacks to be full. */
async function missing(prefix: string): Promise<number> {
  const tat = Number((await plain.hget(`{${prefix}}:limit:l:ann`, 'r')) ?? 0);
  const [seconds] = await plain.time();
  return Math.max(0, Math.round((tat - Number(seconds) * 1_000) / MINUTE_MS));
}

test('a limit that was reached stays so: a late answer opens no full bucket', async () => {
  const one = await replica('reached', { requests_per_minute: 1, burst: 2 });
  assert.equal(await one.passing(3), 2);
  assert.equal(await late(one.ask), null);
  assert.equal(await one.ask(), null);
  assert.equal(await missing('reached'), 2);
});

test('a place that is granted late belongs to the request that went on without it', async () => {
  const one = await replica('place', { concurrent: 2 });
  (await one.ask())!.settle(undefined);
  await eventually('it is free', async () => (await plain.zcard('{place}:lease:l:ann')) === 0);
  const going = await late(one.ask);
  assert.ok(going, 'there were places');
  await eventually('it has its lease', async () => (await plain.zcard('{place}:lease:l:ann')) === 1);
  assert.equal(await one.passing(3), 1);
  going.settle(undefined);
  await eventually('its place is free', async () => (await one.ask()) !== null);
});

test('a request that went on, and is refused late, is owed', async () => {
  const [one, two] = [
    await replica('owed', { requests_per_minute: 1, burst: 3 }),
    await replica('owed', { requests_per_minute: 1, burst: 3 }),
  ];
  assert.ok(await one.ask());
  assert.equal(await two.passing(3), 2);
  assert.ok(await late(one.ask), 'it last heard of two');
  await eventually('one more than there is', async () => (await missing('owed')) === 4);
  assert.equal(await one.ask(), null);
});

test('a request that was refused, and is granted late, costs nothing', async () => {
  const one = await replica('undone', {
    requests_per_minute: 1,
    burst: 2,
    tokens_per_minute: 1_000_000,
    concurrent: 5,
  });
  const grants = [await one.ask(), await one.ask()];
  for (const grant of grants) grant!.settle(undefined);
  assert.equal(await one.ask(), null);
  await plain.hdel('{undone}:limit:l:ann', 'r');
  assert.equal(await late(one.ask), null, 'it does not know yet');
  await eventually('no place is held', async () => (await plain.zcard('{undone}:lease:l:ann')) === 0);
  await eventually('no request is counted', async () => (await missing('undone')) === 0);
  assert.equal(await one.passing(3), 2);
});

test('what went on while Redis was away for a moment is charged when it is back', async () => {
  const one = await replica('moment', { requests_per_minute: 1, burst: 10 });
  assert.ok(await one.ask());
  await server.pause();
  try {
    // Three are not answered in time; then it is away, and nobody asks.
    for (let n = 0; n < 3; n++) assert.ok(await one.ask());
    assert.equal(one.up(), false);
    assert.ok(await one.ask());
  } finally {
    server.resume();
  }
  await eventually('all five are counted', async () => (await missing('moment')) === 5);
});

test('tokens of a request that went on are charged once, whatever came late', async () => {
  const one = await replica('tokens', { tokens_per_minute: 1, burst_tokens: 10_000 });
  (await one.ask())!.settle(undefined);
  const going = await late(one.ask);
  const usage = { promptTokens: 100, cachedTokens: 0, completionTokens: 200, source: 'estimate' } as const;
  going!.settle({ usage, target: null, charged: null } as unknown as CallOutcome);
  going!.recount({ ...usage, completionTokens: 50, source: 'tokenizer' });
  const used = async () => {
    const [seconds] = await plain.time();
    const tat = Number(await plain.hget('{tokens}:limit:l:ann', 't'));
    return Math.round((tat - Number(seconds) * 1_000) / MINUTE_MS);
  };
  await eventually('150 are charged', async () => (await used()) === 150);
});
