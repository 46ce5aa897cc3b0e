/** The limiter's scripts on a real Redis, their clock handed in, against models without one: the same answers whatever comes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { figuresOf } from '../src/admit/held.ts';
import type { Verdict } from '../src/admit/limiter.ts';
import { PER_ANSWER } from '../src/admit/lua.ts';
import { MemoryLimiter } from '../src/admit/memory-limiter.ts';
import type { LimitConfig } from '../src/config/schema.ts';
import { limitSchema } from '../src/config/schema-limits.ts';
import { LEASE_MS, Subject, settle, take, WHO } from './limits-driver.ts';

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

const amounts = {
  requests_per_minute: fc.option(fc.integer({ min: 1, max: 120 }), { nil: undefined }),
  burst: fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }),
  tokens_per_minute: fc.option(fc.integer({ min: 10, max: 5_000 }), { nil: undefined }),
  burst_tokens: fc.option(fc.integer({ min: 10, max: 2_000 }), { nil: undefined }),
  shadow: fc.boolean(),
};
const named = (given: readonly object[]): LimitConfig[] =>
  given.map((each, index) => limitSchema.parse({ name: `l${index}`, ...each }));

/** What nobody can have used; the limiter stands it, though nothing lets it get here. */
const ABSURD = { weight: 1, arbitrary: fc.constantFrom(1e15, 1e17, 1e300, Number.POSITIVE_INFINITY) };
const USED = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 4_000 }) }, ABSURD);

let run = 0;

test('the memory of one process answers as the script does, whatever comes', async () => {
  const limit = fc.record(
    { ...amounts, concurrent: fc.integer({ min: 1, max: 4 }) },
    { noNullPrototype: true },
  );
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 20_000 }),
    tokens: fc.integer({ min: 0, max: 3_000 }),
    ends: fc.option(fc.nat(5), { nil: undefined }),
    used: USED,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(limit, { minLength: 1, maxLength: 3 }),
      fc.array(step, { maxLength: 25 }),
      async (given, steps) => {
        const all = named(given);
        const space = `{memory${++run}}`;
        let now = 1_800_000_000_000;
        const model = new MemoryLimiter(all, () => now);
        const open: { verdict: Verdict; id: string; held: number[] }[] = [];
        const keys = all.flatMap(({ name }) => [`${space}:s:${name}`, `${space}:l:${name}`]);
        for (const [index, { wait, tokens, ends, used }] of steps.entries()) {
          now += wait;
          const ending = ends === undefined ? undefined : open.splice(ends, 1)[0];
          if (ending) {
            ending.verdict.settle(used);
            const mine = ending.held.flatMap((at) => keys.slice(2 * at, 2 * at + 2));
            const rest = ending.held.flatMap((at) => {
              const { tokens_per_minute: tpm, burst_tokens } = all[at]!;
              return tpm
                ? [
                    60_000 / tpm,
                    burst_tokens ?? tpm,
                    Math.min(Number(ending.id.split('-')[1]), burst_tokens ?? tpm),
                  ]
                : [0, 0, 0];
            });
            await plain.eval(settle, mine.length, ...mine, ending.id, used, 0, ...rest, now);
          }
          const id = `${index}-${tokens}`;
          // Leases outlast the run: the model's requests do not die.
          const reply = (await plain.eval(
            take,
            keys.length,
            ...keys,
            id,
            10_000_000,
            ...all.flatMap((each) => figuresOf(each, tokens)),
            now,
          )) as number[];
          const verdict = model.take(WHO, tokens);
          assert.equal(reply[0], verdict.refusal ? 0 : 1, `step ${index}`);
          const kinds = all.map((_, at) => reply[1 + at * PER_ANSWER]!);
          const blames = all.findIndex((each, at) => kinds[at] !== 0 && !each.shadow);
          assert.equal(all[blames]?.name, verdict.refusal?.limit.name);
          if (verdict.refusal) {
            assert.equal(['', 'concurrent', 'requests', 'tokens'][kinds[blames]!], verdict.refusal.kind);
            const waits = reply[2 + blames * PER_ANSWER]!;
            if (verdict.refusal.retryAfterMs !== null)
              assert.ok(Math.abs(waits - verdict.refusal.retryAfterMs) <= 1.1);
          }
          assert.deepEqual(
            all.filter((each, at) => kinds[at] !== 0 && each.shadow).map(({ name }) => name),
            verdict.shadowed.map(({ name }) => name),
          );
          if (!verdict.refusal)
            open.push({ verdict, id, held: kinds.flatMap((kind, at) => (kind === 0 ? [at] : [])) });
        }
      },
    ),
    { numRuns: 150 },
  );
});

/** What may come, in any order, so long after the one before. */
const pause = fc.oneof(fc.constantFrom(0, LEASE_MS), fc.integer({ min: 0, max: 8_000 }));
const STEPS = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        what: fc.constant('take' as const),
        wait: pause,
        tokens: fc.integer({ min: 0, max: 3_000 }),
      }),
    },
    // In two steps, with anything between them.
    { weight: 4, arbitrary: fc.record({ what: fc.constant('enter' as const), wait: pause }) },
    {
      weight: 4,
      arbitrary: fc.record({
        what: fc.constant('admit' as const),
        wait: pause,
        which: fc.nat(3),
        tokens: fc.integer({ min: 0, max: 3_000 }),
      }),
    },
    // Of any request that was granted: one whose lease has ended, or that has been settled, is told late or again.
    {
      weight: 3,
      arbitrary: fc.record({
        what: fc.constant('settle' as const),
        wait: pause,
        which: fc.nat(8),
        used: USED,
        again: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        what: fc.constant('renew' as const),
        wait: pause,
        which: fc.array(fc.nat(8), { minLength: 1, maxLength: 4 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        what: fc.constant('owe' as const),
        wait: pause,
        requests: fc.constantFrom(1 as const, -1 as const),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        what: fc.constant('charge' as const),
        wait: pause,
        tokens: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: -2_000, max: 4_000 }) }, ABSURD),
      }),
    },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('lose' as const), wait: pause }) },
  ),
  { maxLength: 40 },
);
/** Longer than the greatest debt takes to refill: two buckets of 2,000 tokens, ten a minute. */
const LONG_MS = 2 * 2_000 * 6_000;

test('the scripts do as the plain model: leases that end, are renewed or lost, requests told late or again, debts', async () => {
  const limit = fc
    .record(
      { ...amounts, concurrent: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }) },
      { noNullPrototype: true },
    )
    .filter(({ requests_per_minute, tokens_per_minute, concurrent }) =>
      [requests_per_minute, tokens_per_minute, concurrent].some(Boolean),
    );
  /** That the steps reach what the test is about. */
  const seen = { inTwoSteps: 0, ended: 0, renewedLate: 0, renewedInTime: 0, owed: 0, toldAgain: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(limit, { minLength: 1, maxLength: 3 }), STEPS, async (given, steps) => {
      const all = named(given);
      const subject = new Subject(plain, all);
      for (const step of steps) {
        subject.now += step.wait;
        const leases = () => subject.model.states.flatMap(({ leases }) => [...leases.values()]);
        const before = leases().length;
        const overdue = leases().filter(({ until }) => until <= subject.now).length;
        if (step.what === 'take') {
          await subject.take(step.tokens);
          if (overdue > 0) seen.ended++;
        } else if (step.what === 'enter') await subject.enter();
        else if (step.what === 'admit') {
          if (await subject.admit(step.which, step.tokens)) seen.inTwoSteps++;
        } else if (step.what === 'settle') {
          await subject.settle(step.which, step.used, step.again);
          if (leases().length === before && step.again) seen.toldAgain++;
        } else if (step.what === 'renew') {
          await subject.renew(step.which);
          if (leases().length > before) seen.renewedLate++;
          else if (before > 0) seen.renewedInTime++;
        } else if (step.what === 'owe') {
          await subject.owe(step.requests);
          seen.owed++;
        } else if (step.what === 'charge') await subject.charge(step.tokens);
        else await subject.lose();
      }
      // Whatever came before: when all have gone without a word and debts have refilled, nothing is held any more.
      subject.now += LONG_MS;
      const { granted, places } = await subject.take(0);
      assert.equal(granted, true);
      assert.deepEqual(
        places,
        all.map(({ concurrent }) => (concurrent === undefined ? 0 : concurrent - 1)),
      );
    }),
    { numRuns: 1_000 },
  );
  for (const [what, times] of Object.entries(seen)) assert.ok(times > 0, `${what} never came`);
});

for (const [what, tat] of [
  ['1e17 tokens, as an earlier version kept them', '6000000000000000000.000'],
  ['1e300 tokens', '1e+300'],
  ['no number', 'nan'],
  ['infinity', 'inf'],
  ['a word', 'locked'],
] as const) {
  test(`a bucket that says ${what} refuses for no longer than two buckets, and is as others are afterwards`, async () => {
    const [limit] = named([{ tokens_per_minute: 600, requests_per_minute: 60 }]) as [LimitConfig];
    const keys = [`{poison${++run}}:s`, `{poison${run}}:l`] as [string, string];
    const now = Date.now();
    await plain.hset(keys[0], 't', tat, 'r', tat);
    await plain.pexpire(keys[0], 10 ** 15);
    const ask = async (at: number) =>
      (await plain.eval(take, 2, ...keys, `id${at}`, LEASE_MS, ...figuresOf(limit, 600), at)) as number[];
    const [granted, , waitMs] = await ask(now);
    if (granted === 0) {
      assert.ok(waitMs! <= 2 * 60_000, `${waitMs} ms`);
      await plain.eval(settle, 2, ...keys, 'other', 10 ** 17, 0, 100, 600, 0, now);
      assert.equal((await ask(now + 2 * 60_000 + 1))[0], 1);
    }
    assert.ok((await plain.pttl(keys[0])) <= 3 * 60_000 + LEASE_MS);
    const [requests, tokens] = (await plain.hmget(keys[0], 'r', 't')).map(Number);
    for (const time of [requests!, tokens!]) assert.ok(time >= now && time <= now + 4 * 60_000, String(time));
  });
}

test('what is no number charges nothing', async () => {
  const keys = [`{nan${++run}}:s`, `{nan${run}}:l`] as [string, string];
  const now = Date.now();
  await plain.zadd(keys[1], now + 1_000, 'id|50');
  await plain.hset(keys[0], 't', now + 5_000);
  await plain.eval(settle, 2, ...keys, 'id', Number.NaN, 0, 100, 600, 50, now);
  assert.equal(Number(await plain.hget(keys[0], 't')), now + 5_000);
  assert.equal(await plain.zcard(keys[1]), 0);
});
