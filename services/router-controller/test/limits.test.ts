/** Limits in memory and in a real Redis: the same promises, checked by the same tests. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import type { Holder, Verdict } from '../src/admit/limiter.ts';
import { MemoryLimiter } from '../src/admit/memory-limiter.ts';
import { RedisLimiter } from '../src/admit/redis-limiter.ts';
import type { LimitConfig } from '../src/config/schema.ts';
import { limitSchema } from '../src/config/schema-limits.ts';
import { redisSchema } from '../src/config/schema-redis.ts';
import { createLog, createMetrics } from '../src/observe/index.ts';
import { createRedis, type SharedRedis } from '../src/redis/index.ts';
import { eventually } from './harness.ts';

const limits = (...given: object[]): LimitConfig[] => given.map((each) => limitSchema.parse(each));
const WHO: Holder = { key: 'ann', tenant: 'acme', policy: 'task_router' };

let server: RedisServer;
const silent = createLog({ level: 'error', stream: process.stderr });
before(async () => {
  server = await startRedis();
});
after(async () => {
  await server.close();
});

interface Subject {
  take(who: Holder, tokens: number): Promise<Verdict>;
  close(): Promise<void>;
}

let prefix = 0;
async function shared(more: object = {}): Promise<SharedRedis> {
  const config = redisSchema.parse({
    url: server.url,
    key_prefix: `test${++prefix}`,
    call_timeout_ms: 60_000,
    ...more,
  });
  const redis = createRedis(config, createMetrics(), silent)!;
  assert.ok(await redis.ready(10_000));
  return redis;
}

const SUBJECTS: Record<string, (all: LimitConfig[]) => Promise<Subject>> = {
  memory: async (all) => {
    const limiter = new MemoryLimiter(all);
    return { take: async (who, tokens) => limiter.take(who, tokens), close: async () => {} };
  },
  Redis: async (all) => {
    const redis = await shared();
    const limiter = new RedisLimiter(redis);
    return {
      take: (who, tokens) => limiter.take(all, who, tokens),
      close: async () => {
        await limiter.close();
        await redis.close();
      },
    };
  },
};

for (const [name, create] of Object.entries(SUBJECTS)) {
  describe(`limits in ${name}`, () => {
    const withLimits = async (all: LimitConfig[], run: (subject: Subject) => Promise<void>) => {
      const subject = await create(all);
      try {
        await run(subject);
      } finally {
        await subject.close();
      }
    };
    /** Redis hears of an end after it. */
    const passes = (subject: Subject, who: Holder, tokens: number) =>
      eventually('the next one passes', async () => (await subject.take(who, tokens)).refusal === null);

    test('requests per minute: the burst passes, the next is told when to come back', () =>
      withLimits(limits({ name: 'rpm', requests_per_minute: 60, burst: 3 }), async (subject) => {
        for (const left of [2, 1, 0]) {
          const verdict = await subject.take(WHO, 1);
          assert.equal(verdict.refusal, null);
          assert.deepEqual(verdict.requests && [verdict.requests.limit, verdict.requests.remaining], [
            60,
            left,
          ]);
        }
        const { refusal } = await subject.take(WHO, 1);
        assert.equal(refusal?.kind, 'requests');
        assert.ok(refusal.retryAfterMs! > 0 && refusal.retryAfterMs! <= 1_000, String(refusal.retryAfterMs));
      }));

    test('each key, tenant or policy is counted by itself, global all together', () =>
      withLimits(
        limits(
          { name: 'each', requests_per_minute: 1 },
          { name: 'all', scope: 'global', requests_per_minute: 2 },
        ),
        async (subject) => {
          assert.equal((await subject.take(WHO, 1)).refusal, null);
          assert.equal((await subject.take(WHO, 1)).refusal?.limit.name, 'each');
          assert.equal((await subject.take({ ...WHO, key: 'bob' }, 1)).refusal, null);
          assert.equal((await subject.take({ ...WHO, key: 'cleo' }, 1)).refusal?.limit.name, 'all');
        },
      ));

    test('nothing is taken when one of several refuses', () =>
      withLimits(
        limits(
          { name: 'rpm', requests_per_minute: 2 },
          { name: 'tpm', scope: 'tenant', tokens_per_minute: 100 },
          { name: 'slots', scope: 'global', concurrent: 1 },
        ),
        async (subject) => {
          const first = await subject.take(WHO, 60);
          assert.equal(first.refusal, null);
          for (let i = 0; i < 20; i++) assert.equal((await subject.take(WHO, 60)).refusal?.limit.name, 'tpm');
          for (let i = 0; i < 20; i++)
            assert.equal((await subject.take(WHO, 10)).refusal?.kind, 'concurrent');
          first.settle(60);
          // One request and 40 tokens are left: had a refused one taken any, this could not pass.
          await passes(subject, WHO, 38);
        },
      ));

    test('tokens: the reservation becomes the real usage', () =>
      withLimits(limits({ name: 'tpm', tokens_per_minute: 1_000 }), async (subject) => {
        const first = await subject.take(WHO, 900);
        assert.equal(first.tokens?.remaining, 100);
        assert.equal((await subject.take(WHO, 200)).refusal?.kind, 'tokens');
        first.settle(50);
        await eventually(
          'the rest is given back',
          async () => (await subject.take(WHO, 0)).tokens!.remaining >= 950,
        );
        const second = await subject.take(WHO, 10);
        second.settle(1_500);
        await eventually('more than reserved is charged', async () => {
          const { refusal } = await subject.take(WHO, 100);
          return refusal !== null && refusal.retryAfterMs! > 30_000;
        });
      }));

    test('more tokens than the limit ever holds take all of it, and do not wait for ever', () =>
      withLimits(limits({ name: 'tpm', tokens_per_minute: 1_000, burst_tokens: 100 }), async (subject) => {
        assert.equal((await subject.take(WHO, 5_000)).refusal, null);
        const { refusal } = await subject.take(WHO, 5_000);
        assert.ok(refusal!.retryAfterMs! > 0 && refusal!.retryAfterMs! <= 6_000);
      }));

    test('concurrent: a place comes back when its request ends, once', () =>
      withLimits(limits({ name: 'slots', concurrent: 2 }), async (subject) => {
        const [one, two] = [await subject.take(WHO, 1), await subject.take(WHO, 1)];
        assert.equal((await subject.take(WHO, 1)).refusal?.retryAfterMs, null);
        one.settle(0);
        one.settle(0);
        await passes(subject, WHO, 1);
        assert.equal((await subject.take(WHO, 1)).refusal?.kind, 'concurrent');
        two.settle(0);
      }));

    test('shadow: counted as refused, not refused, nothing taken', () =>
      withLimits(
        limits(
          { name: 'trial', requests_per_minute: 1, shadow: true },
          { name: 'real', requests_per_minute: 3 },
        ),
        async (subject) => {
          assert.deepEqual((await subject.take(WHO, 1)).shadowed, []);
          const second = await subject.take(WHO, 1);
          assert.equal(second.refusal, null);
          assert.deepEqual(
            second.shadowed.map((limit) => limit.name),
            ['trial'],
          );
        },
      ));

    test('a key’s own limit counts beside the others; a target’s only when a target is asked', () =>
      withLimits(limits({ name: 'llm', scope: 'target', concurrent: 1 }), async (subject) => {
        const own = limits({ name: 'own', requests_per_minute: 1 })[0];
        assert.equal((await subject.take({ ...WHO, own }, 1)).refusal, null);
        assert.equal((await subject.take({ ...WHO, own }, 1)).refusal?.limit.name, 'own');
        const target = { ...WHO, own, target: 'large' };
        assert.equal((await subject.take(target, 1)).refusal, null);
        assert.equal((await subject.take(target, 1)).refusal?.limit.name, 'llm');
        assert.equal((await subject.take({ ...target, target: 'small' }, 1)).refusal, null);
      }));
  });
}

test('a controller that dies gives its places and tokens back', async () => {
  const redis = await shared();
  const all = limits({ name: 'both', concurrent: 3, tokens_per_minute: 900 });
  const dying = new RedisLimiter(redis, { leaseMs: 400, renewMs: 60_000 });
  const living = new RedisLimiter(redis, { leaseMs: 400, renewMs: 100 });
  for (let i = 0; i < 2; i++) await dying.take(all, WHO, 300);
  const held = await living.take(all, WHO, 300);
  assert.equal((await living.take(all, WHO, 0)).refusal?.kind, 'concurrent');
  // What the dead held comes back, what the living holds does not, though it is held for longer than a lease.
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  const first = await living.take(all, WHO, 300);
  const second = await living.take(all, WHO, 300);
  assert.equal(first.refusal, null);
  assert.equal(second.refusal, null);
  assert.equal((await living.take(all, WHO, 0)).refusal?.kind, 'concurrent');
  for (const verdict of [held, first, second]) verdict.settle(0);
  await eventually('all is given back', async () => {
    const verdict = await living.take(all, { ...WHO }, 900);
    verdict.settle(0);
    return verdict.refusal === null;
  });
  await Promise.all([dying.close(), living.close()]);
  await redis.close();
});

test('replicas see each other, and that one has gone', async () => {
  const [a, b] = [await shared({ key_prefix: 'seen' }), await shared({ key_prefix: 'seen' })];
  const first = new RedisLimiter(a, { beatMs: 100 });
  const second = new RedisLimiter(b, { beatMs: 100 });
  await eventually('both are seen', () => first.replicas === 2 && second.replicas === 2);
  await second.close();
  await eventually('one is seen', () => first.replicas === 1);
  await first.close();
  await Promise.all([a.close(), b.close()]);
});
