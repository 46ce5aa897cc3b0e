import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BudgetConfig } from '../config/schema.ts';
import { budgetSchema } from '../config/schema-limits.ts';
import { RouterError } from '../errors.ts';
import { createMetrics } from '../observe/index.ts';
import { RedisUnavailable, type SharedRedis } from '../redis/index.ts';
import { Budgets } from './budgets.ts';
import { Counters } from './counters.ts';
import { UsageBook } from './usage.ts';

const budget = (given: object): BudgetConfig => budgetSchema.parse(given);
const usage = (promptTokens: number, completionTokens: number, cachedTokens = 0) =>
  ({ promptTokens, completionTokens, cachedTokens, source: 'upstream' }) as const;
const ANN = { key: 'ann', tenant: 'acme', policy: 'task_router' };

test('a budget warns, then stops, and begins anew with its period', async () => {
  const metrics = createMetrics();
  let now = new Date('2026-11-30T12:00:00Z');
  const budgets = new Budgets(
    [budget({ name: 'team', period: 'month', usd: 1 })],
    new Counters(null, metrics),
    metrics,
    undefined,
    () => now,
  );
  assert.deepEqual(await budgets.check(ANN), {});
  budgets.charge(ANN, { usage: usage(1, 1), costUsd: 0.8 });
  assert.deepEqual(await budgets.check(ANN), {
    'x-llm-router-budget-warning': 'team;used=80%;resets=2026-12-01T00:00:00.000Z',
  });
  // Another tenant has a budget of its own.
  assert.deepEqual(await budgets.check({ ...ANN, tenant: 'other' }), {});
  budgets.charge({ ...ANN, key: 'bob' }, { usage: usage(1, 1), costUsd: 0.2000001 });
  await assert.rejects(budgets.check(ANN), (error) => {
    assert.ok(error instanceof RouterError);
    assert.equal(error.status, 429);
    assert.equal(error.code, 'insufficient_quota');
    assert.match(error.message, /Budget 'team' of tenant 'acme' for 2026-11 is spent: 1\.00 of 1\.00 USD/);
    assert.equal(error.headers['x-should-retry'], 'false');
    return true;
  });
  const gauge = (await metrics.budgetUsed.get()).values[0]!;
  assert.ok(gauge.value >= 1);
  now = new Date('2026-12-01T00:00:00Z');
  assert.deepEqual(await budgets.check(ANN), {});
});

test('a budget in tokens, of one key only, beside one that a key carries', async () => {
  const metrics = createMetrics();
  const budgets = new Budgets(
    [budget({ name: 'trial', scope: 'key', match: 'ann', period: 'day', tokens: 100 })],
    new Counters(null, metrics),
    metrics,
  );
  const own = { ...budget({ name: 'own', scope: 'key', period: 'day', tokens: 50 }) };
  budgets.charge({ ...ANN, own }, { usage: usage(40, 20), costUsd: null });
  assert.deepEqual(await budgets.check(ANN), {});
  await assert.rejects(budgets.check({ ...ANN, own }), /Budget 'own' of key 'ann'.*60 of 50 tokens/);
  budgets.charge(ANN, { usage: usage(40, 0), costUsd: null });
  await assert.rejects(budgets.check(ANN), /Budget 'trial'/);
  assert.deepEqual(await budgets.check({ ...ANN, key: 'bob' }), {});
});

test('shadow budgets warn and count, and refuse nobody', async () => {
  const metrics = createMetrics();
  const budgets = new Budgets(
    [budget({ name: 'plan', period: 'day', tokens: 1, shadow: true })],
    new Counters(null, metrics),
    metrics,
  );
  budgets.charge(ANN, { usage: usage(5, 0), costUsd: null });
  assert.match((await budgets.check(ANN))['x-llm-router-budget-warning']!, /^plan;used=500%/);
  const [counted] = (await metrics.limits.get()).values;
  assert.deepEqual(counted?.labels, { limit: 'plan', scope: 'tenant', decision: 'shadow_refused' });
});

test('usage adds up by day, policy and target; fractions of a cent are not lost', async () => {
  const book = new UsageBook(new Counters(null, createMetrics()), 30);
  const event = { key: 'ann', tenant: 'acme', policy: 'a|b', target: 'small', costUsd: 1e-7 };
  for (let i = 0; i < 10; i++)
    book.note({ ...event, usage: usage(10, 5, 4) }, new Date('2026-11-23T10:00:00Z'));
  book.note(
    { ...event, target: 'large', usage: usage(1, 1), costUsd: null },
    new Date('2026-11-24T10:00:00Z'),
  );
  book.note({ ...event, key: 'bob', usage: usage(7, 7) }, new Date('2026-11-24T10:00:00Z'));
  const report = await book.report('key', 'ann', 2, new Date('2026-11-24T23:00:00Z'));
  assert.deepEqual([report.from, report.to], ['2026-11-23', '2026-11-24']);
  assert.deepEqual(report.total, {
    requests: 11,
    input_tokens: 101,
    cached_input_tokens: 40,
    output_tokens: 51,
    cost_usd: 1e-6,
  });
  assert.deepEqual(
    report.by_day.map(({ date, requests }) => [date, requests]),
    [
      ['2026-11-23', 10],
      ['2026-11-24', 1],
    ],
  );
  assert.equal(report.by_policy['a|b']!.requests, 11);
  assert.equal(report.by_target.large!.input_tokens, 1);
  assert.equal((await book.report('tenant', 'acme', 1, new Date('2026-11-24T23:00:00Z'))).total.requests, 2);
});

test('what finds no place while Redis is away is counted as lost; what has one is kept', async () => {
  const metrics = createMetrics();
  const away = { up: false, prefix: 'x', define: () => {} } as unknown as SharedRedis;
  const counters = new Counters(away, metrics, { maxWaiting: 1 });
  counters.add('first', 'n', 1, 60);
  counters.add('second', 'n', 1, 60);
  counters.add('first', 'n', 1, 60);
  assert.equal((await metrics.ledgerLost.get()).values[0]!.value, 1);
  await counters.close();
});

test('an amount that is no whole number is lost by itself, in memory and on the way to Redis', async () => {
  const away = {
    up: false,
    prefix: 'x',
    define: () => {},
    run: () => Promise.reject(new RedisUnavailable('away')),
  } as unknown as SharedRedis;
  for (const redis of [null, away]) {
    const metrics = createMetrics();
    const counters = new Counters(redis, metrics);
    for (const amount of [1, 1e300, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 4])
      counters.add('hash', 'n', amount, 60);
    assert.equal(await counters.total('hash', 'n'), 5);
    assert.equal((await metrics.ledgerLost.get()).values[0]!.value, 5);
    counters.add('most', 'n', Number.MAX_SAFE_INTEGER, 60);
    counters.add('most', 'n', Number.MAX_SAFE_INTEGER, 60);
    assert.equal(await counters.total('most', 'n'), Number.MAX_SAFE_INTEGER);
    await counters.close();
  }
});
