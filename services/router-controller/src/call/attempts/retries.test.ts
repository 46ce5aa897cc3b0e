/** One target alone is asked again where that is sensible, within one budget of attempts and time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Target } from '../../config/types.ts';
import { attemptsOf, withCall } from '../testing.ts';
import { Schedule } from './schedule.ts';

const budget = (attempts: number, time_ms = 30_000) => ({ policy: { retry_budget: { attempts, time_ms } } });

/** Fails so often, then recovers. */
function failing(
  times: number,
  fault: { kind: 'status'; status: number; retryAfter: string | null } | { kind: 'refuse' },
) {
  let left = times;
  return () => (left-- > 0 ? fault : null);
}

for (const status of [408, 409, 429, 500, 503, 529]) {
  test(
    `${status} is retried on a single target`,
    withCall(budget(4), async (call) => {
      call.faults.first = failing(3, { kind: 'status', status, retryAfter: null });
      const response = await call.ask();
      assert.equal(response.status, 200);
      assert.equal(call.llms.seen.length, 4);
      assert.equal(call.last().attempts.length, 4);
    }),
  );
}

test(
  'a refused connection is retried too',
  withCall(budget(3), async (call) => {
    call.faults.first = failing(2, { kind: 'refuse' });
    assert.equal((await call.ask({ stream: true })).status, 200);
    assert.deepEqual(attemptsOf(call.last()), [
      ['first', 'connect_error'],
      ['first', 'connect_error'],
      ['first', 'ok'],
    ]);
  }),
);

test(
  'the budget of attempts holds over all targets together',
  withCall({ targets: [{ name: 'first' }, { name: 'second' }], ...budget(5) }, async (call) => {
    call.faults.first = 'status:500';
    call.faults.second = 'status:503';
    const response = await call.ask();
    assert.ok([500, 503].includes(response.status));
    assert.equal(call.llms.seen.length, 5);
    const names = call.llms.seen.map((seen) => seen.body.model);
    assert.deepEqual(names.slice(0, 2), ['first', 'second']);
    assert.ok(names.filter((name) => name === 'first').length >= 2);
    assert.ok(names.filter((name) => name === 'second').length >= 2);
  }),
);

for (const status of [401, 402, 403, 404, 410, 400]) {
  test(
    `${status} is not retried`,
    withCall(budget(4), async (call) => {
      call.faults.first = `status:${status}`;
      await (await call.ask()).text();
      assert.equal(call.llms.seen.length, 1);
    }),
  );
}

describe('retry-after', () => {
  test(
    'is waited for',
    withCall(budget(2), async (call) => {
      call.faults.first = failing(1, { kind: 'status', status: 429, retryAfter: '0.3' });
      const started = performance.now();
      assert.equal((await call.ask()).status, 200);
      assert.ok(performance.now() - started >= 300);
    }),
  );

  test(
    'beyond the budget’s time ends the request at once, with the upstream’s own word',
    withCall(budget(4, 5_000), async (call) => {
      call.faults.first = 'status:429:60';
      const started = performance.now();
      const response = await call.ask();
      assert.equal(response.status, 429);
      assert.equal(response.headers.get('retry-after'), '60');
      assert.equal(response.headers.get('x-should-retry'), 'false');
      assert.ok(performance.now() - started < 5_000);
      assert.equal(call.llms.seen.length, 1);
    }),
  );

  test(
    'lets another target go first, also for the next requests',
    withCall({ targets: [{ name: 'first' }, { name: 'second' }], ...budget(4) }, async (call) => {
      call.faults.first = 'status:429:30';
      for (let i = 0; i < 3; i++)
        assert.equal((await call.ask()).headers.get('x-llm-router-model'), 'second');
      assert.deepEqual(
        call.llms.seen.map((seen) => seen.body.model),
        ['first', 'second', 'second', 'second'],
      );
    }),
  );
});

describe('the schedule', () => {
  const [a, b] = ['a', 'b'].map((name) => ({ name }) as Target) as [Target, Target];

  test('asks each target in order, then the one that may be asked soonest', () => {
    const schedule = new Schedule([a, b], { firstMs: 100, maxMs: 1_000 }, () => 1);
    assert.deepEqual(schedule.take(0), { target: a, waitMs: 0, first: true });
    schedule.again(a, 0, 5_000);
    assert.deepEqual(schedule.fresh(), [b]);
    assert.deepEqual(schedule.take(0), { target: b, waitMs: 0, first: true });
    schedule.again(b, 0, null);
    assert.equal(schedule.take(0, true), null);
    assert.deepEqual(schedule.take(0), { target: b, waitMs: 100, first: false });
    assert.deepEqual(schedule.take(1_000), { target: a, waitMs: 4_000, first: false });
    assert.equal(schedule.take(1_000), null);
  });

  test('pauses double up to the longest, with full jitter', () => {
    for (const [jitter, expected] of [
      [1, [100, 200, 400, 800, 1_000, 1_000]],
      [0.5, [50, 100, 200, 400, 500, 500]],
      [0, [0, 0, 0, 0, 0, 0]],
    ] as const) {
      const schedule = new Schedule([a], { firstMs: 100, maxMs: 1_000 }, () => jitter);
      schedule.take(0);
      const waits = expected.map(() => {
        schedule.again(a, 0, null);
        return schedule.take(0)!.waitMs;
      });
      assert.deepEqual(waits, expected);
    }
  });
});
