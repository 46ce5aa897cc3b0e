/** Admission in two steps, or in one where it can be, over replicas that share one Redis: places are exact, whatever comes between. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { startRedis } from '../proof/limits/start-redis.ts';
import { Admission } from '../src/admit/index.ts';
import { admissionSchema, limitSchema } from '../src/config/schema-limits.ts';
import { redisSchema } from '../src/config/schema-redis.ts';
import type { RouterConfig } from '../src/config/types.ts';
import { RouterError } from '../src/errors.ts';
import { createLog, createMetrics } from '../src/observe/index.ts';
import { createRedis } from '../src/redis/index.ts';
import { eventually } from './harness.ts';

const PLACES = 10;
const pause = (most: number) => new Promise((done) => setTimeout(done, Math.random() * most));

test('never more than the places over two replicas, and none is left taken', async () => {
  const server = await startRedis();
  const log = createLog({ level: 'error', stream: process.stderr });
  const file = {
    limits: [
      limitSchema.parse({ name: 'l', scope: 'tenant', concurrent: PLACES, tokens_per_minute: 1e9 }),
      limitSchema.parse({ name: 'p', scope: 'policy', tokens_per_minute: 1e9 }),
    ],
    admission: admissionSchema.parse({}),
  };
  const replicas = await Promise.all(
    [0, 1].map(async () => {
      const metrics = createMetrics();
      const config = redisSchema.parse({ url: server.url, key_prefix: 'steps', call_timeout_ms: 5_000 });
      const redis = createRedis(config, metrics, log)!;
      assert.ok(await redis.ready(10_000));
      // Renewals come between the steps all the time.
      const leases = { renewMs: 5 };
      const admission = new Admission({
        config: { file } as unknown as RouterConfig,
        metrics,
        redis,
        leases,
      });
      return { admission, redis };
    }),
  );
  const caller = { id: 'ann', tenant: 'acme', policies: null, targets: null };
  let now = 0;
  let most = 0;
  let served = 0;
  const client = async (which: number) => {
    const { admission } = replicas[which % 2]!;
    for (let n = 0; n < 40; n++) {
      try {
        const whole = n % 2 === 0;
        const entry = await admission.enter({ caller, whole });
        if (!whole) most = Math.max(most, ++now);
        await pause(4);
        if (n % 5 === 0) {
          // What fails before it is admitted is counted first.
          await entry.count();
          if (!whole) now--;
          entry.leave();
          continue;
        }
        const grant = await entry.admit({
          policy: 'one',
          estimate: () => ({ promptTokens: n, answerTokens: n }),
        });
        if (whole) most = Math.max(most, ++now);
        await pause(8);
        served++;
        now--;
        grant.settle(undefined);
      } catch (error) {
        if (!(error instanceof RouterError) || error.status !== 429) throw error;
        await pause(4);
      }
    }
  };
  await Promise.all(Array.from({ length: 32 }, (_, which) => client(which)));
  assert.ok(most <= PLACES, `${most} at once`);
  assert.ok(served > 50, String(served));
  const plain = new Redis(server.url);
  await eventually(
    'all places are free',
    async () =>
      (await plain.zcard('{steps}:lease:l:acme')) + (await plain.zcard('{steps}:lease:p:one')) === 0,
  );
  plain.disconnect();
  for (const { admission, redis } of replicas) {
    await admission.close();
    await redis.close();
  }
  await server.close();
});

test('a request whose body is here counts once, whatever becomes of it', async () => {
  const limits = [
    limitSchema.parse({ name: 'l', scope: 'key', requests_per_minute: 3, tokens_per_minute: 100, burst: 3 }),
  ];
  const file = { limits, admission: admissionSchema.parse({}) };
  const metrics = createMetrics();
  const admission = new Admission({ config: { file } as unknown as RouterConfig, metrics });
  const caller = { id: 'ann', tenant: 'acme', policies: null, targets: null };
  const ask = async (tokens: number) => {
    const entry = await admission.enter({ caller, whole: true });
    const estimate = () => ({ promptTokens: tokens, answerTokens: 0 });
    return entry.admit({ policy: 'one', estimate });
  };
  const left = (headers: Readonly<Record<string, string>>) => headers['x-ratelimit-remaining-requests'];
  const granted = await ask(60);
  assert.equal(left(granted.headers), '2');
  // Refused for its tokens, it is a request that came all the same.
  await assert.rejects(ask(60), (error: RouterError) => left(error.headers ?? {}) === '1');
  // So is one that fails before it is admitted.
  const broken = await admission.enter({ caller, whole: true });
  await broken.count();
  broken.leave();
  await assert.rejects(ask(1), (error: RouterError) => error.type === 'requests');
  const told = await metrics.registry.getSingleMetricAsString('llm_router_limit_decisions_total');
  assert.match(told, /decision="allowed"\} 1\n|decision="allowed"\} 1$/m);
  await admission.close();
});

test('a caller is likely to be admitted while Redis is to be asked and has not refused it of late', async () => {
  const server = await startRedis();
  const log = createLog({ level: 'error', stream: process.stderr });
  const metrics = createMetrics();
  const redis = createRedis(redisSchema.parse({ url: server.url, call_timeout_ms: 5_000 }), metrics, log)!;
  assert.ok(await redis.ready(10_000));
  const limits = [limitSchema.parse({ name: 'l', scope: 'key', requests_per_minute: 1, burst: 1 })];
  const config = { file: { limits, admission: admissionSchema.parse({}) } } as unknown as RouterConfig;
  const admission = new Admission({ config, metrics, redis });
  const alone = new Admission({ config, metrics });
  const enter = (whole: boolean, by = admission) =>
    by.enter({ caller: { id: 'ann', tenant: 'acme', policies: null, targets: null }, whole });
  const received = { policy: 'one', estimate: () => ({ promptTokens: 1, answerTokens: 1 }) };
  try {
    assert.equal((await enter(true, alone)).likely, false, 'it waits for nobody');
    const [first, second] = [await enter(true), await enter(true)];
    assert.deepEqual([first.likely, second.likely], [true, true]);
    (await first.admit(received)).settle(undefined);
    await assert.rejects(second.admit(received), { status: 429 });
    await assert.rejects(enter(true), { status: 429 }, 'it is asked at once from now on');
    assert.equal((await enter(false).catch(() => ({ likely: false }))).likely, false);
  } finally {
    await admission.close();
    await redis.close();
    await server.close();
  }
});
