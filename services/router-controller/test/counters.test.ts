/** Counters on a real Redis: what it can't add costs nobody else. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { redisSchema } from '../src/config/schema-redis.ts';
import { Counters } from '../src/ledger/counters.ts';
import { createLog, createMetrics } from '../src/observe/index.ts';
import { createRedis } from '../src/redis/index.ts';
import { sample } from './harness.ts';

let server: RedisServer;
before(async () => {
  server = await startRedis();
});
after(() => server.close());

test('one field that Redis can’t add costs no other, of its hash or of others, and is told as lost', async () => {
  const plain = new Redis(server.url);
  // A number that an earlier version wrote, one that is full, and a key of another kind.
  await plain.hset('{counters}:poisoned', 'n', '1e+17', 'full', '9223372036854775807');
  await plain.set('{counters}:foreign', 'text');
  const metrics = createMetrics();
  const log = createLog({ level: 'error', stream: process.stderr });
  const redis = createRedis(
    redisSchema.parse({ url: server.url, key_prefix: 'counters', call_timeout_ms: 60_000 }),
    metrics,
    log,
  )!;
  assert.ok(await redis.ready(10_000));
  const counters = new Counters(redis, metrics, { flushMs: 60_000 });
  for (let n = 0; n < 20; n++) {
    counters.add('ann', 'tokens', 1_000, 60);
    counters.add('poisoned', 'n', 1, 60);
    counters.add('poisoned', 'full', 1, 60);
    counters.add('poisoned', 'other', 1, 60);
    counters.add('foreign', 'n', 1, 60);
    counters.add('bob', 'tokens', 1e17, 60);
    counters.add('bob', 'tokens', 7, 60);
    await counters.flush();
  }
  assert.equal(await plain.hget('{counters}:ann', 'tokens'), '20000');
  assert.equal(await plain.hget('{counters}:bob', 'tokens'), '140');
  assert.equal(await plain.hget('{counters}:poisoned', 'other'), '20');
  for (const hash of ['ann', 'bob', 'poisoned']) {
    const seconds = await plain.ttl(`{counters}:${hash}`);
    assert.ok(seconds > 0 && seconds <= 60, String(seconds));
  }
  // Each of three additions twenty times, and the one that was none before it left.
  assert.equal(await sample(metrics, 'llm_router_ledger_lost_total'), 4 * 20);
  assert.equal(await sample(metrics, 'llm_router_limiter_backend_errors_total'), 0);
  await counters.close();
  await redis.close();
  plain.disconnect();
});
