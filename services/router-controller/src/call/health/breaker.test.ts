/** A target that fails in a row rests; one request probes it; the others never wait. */
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { attemptsOf, configFor, errorOf, eventually, withCall } from '../testing.ts';
import { Breaker, type BreakerState } from './breaker.ts';
import { Latency } from './latency.ts';

describe('the breaker', () => {
  /** cockatiel reads Date.now. */
  async function withTime(run: (pass: (ms: number) => void) => Promise<void>): Promise<void> {
    let now = Date.now();
    const clock = mock.method(Date, 'now', () => now);
    try {
      await run((ms) => {
        now += ms;
      });
    } finally {
      clock.mock.restore();
    }
  }
  const SETTINGS = { failures: 3, openMs: 1_000, openMaxMs: 3_000 };
  /** Verdicts are taken within a few microtasks. */
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  test('opens after failures in a row, and not before', async () => {
    const states: BreakerState[] = [];
    const breaker = new Breaker(SETTINGS, (state) => states.push(state));
    for (const verdict of [
      'unhealthy',
      'unhealthy',
      'healthy',
      'unhealthy',
      'unknown',
      'unhealthy',
    ] as const) {
      breaker.pass()!.end(verdict);
      await settled();
    }
    assert.equal(breaker.state, 'closed');
    breaker.pass()!.end('unhealthy');
    await settled();
    assert.deepEqual(states, ['open']);
    assert.equal(breaker.pass(), null);
  });

  test('one probe at a time; a good one closes it, a bad or an abandoned one makes the rest longer', async () => {
    await withTime(async (pass) => {
      const breaker = new Breaker(SETTINGS, () => {});
      for (let i = 0; i < 3; i++) {
        breaker.pass()!.end('unhealthy');
        await settled();
      }
      pass(999);
      assert.equal(breaker.pass(), null);
      pass(1);
      const probe = breaker.pass()!;
      assert.equal(probe.probe, true);
      assert.equal(breaker.state, 'half_open');
      assert.equal(breaker.pass(), null, 'nobody else while it is probed');
      probe.end('unknown');
      await settled();
      assert.equal(breaker.state, 'open');
      pass(1_000);
      assert.equal(breaker.pass(), null, 'the second rest is longer');
      pass(1_000);
      breaker.pass()!.end('unhealthy');
      await settled();
      pass(3_000);
      breaker.pass()!.end('healthy');
      await settled();
      assert.equal(breaker.state, 'closed');
    });
  });

  test('a verdict that comes late, while it rests, changes nothing', async () => {
    const breaker = new Breaker(SETTINGS, () => {});
    const late = breaker.pass()!;
    for (let i = 0; i < 3; i++) {
      breaker.pass()!.end('unhealthy');
      await settled();
    }
    late.end('healthy');
    await settled();
    assert.equal(breaker.state, 'open');
  });
});

const FEW = {
  upstream: { breaker_failures: 3, breaker_open_ms: 60_000 },
  policy: { retry_budget: { attempts: 1 } },
};

test(
  'behind an open breaker the fallback serves at once; alone it is 503 with Retry-After',
  withCall({ ...FEW, targets: [{ name: 'first' }, { name: 'second' }], policy: {} }, async (call) => {
    call.faults.first = 'status:500';
    for (let i = 0; i < 5; i++) assert.equal((await call.ask()).status, 200);
    assert.equal(call.llms.seen.filter((seen) => seen.body.model === 'first').length, 3);
    assert.deepEqual(attemptsOf(call.last()), [
      ['first', 'breaker_open'],
      ['second', 'ok'],
    ]);
    assert.ok(call.events.includes('breaker first open'));
    call.faults.second = 'status:500';
    for (let i = 0; i < 3; i++) await (await call.ask()).text();
    const seen = call.llms.seen.length;
    const response = await call.ask();
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '60');
    assert.equal((await errorOf(response)).code, 'upstream_unavailable');
    assert.equal(call.llms.seen.length, seen);
  }),
);

test(
  'streams that begin well and always break off open it too',
  withCall(FEW, async (call) => {
    call.faults.first = 'cut:900';
    for (let i = 0; i < 3; i++) await (await call.ask({ stream: true })).text();
    assert.equal((await call.ask({ stream: true })).status, 503);
  }),
);

test(
  'the client’s own errors, refused keys and clients that leave don’t open it',
  withCall(FEW, async (call) => {
    for (const fault of ['status:400', 'status:401', 'status:404', 'status:429:0']) {
      call.faults.first = fault;
      for (let i = 0; i < 4; i++) await (await call.ask()).text();
    }
    call.faults.first = 'stall-before-headers';
    for (let i = 0; i < 4; i++) {
      const controller = new AbortController();
      const seen = call.llms.seen.length;
      const left = assert.rejects(call.ask({}, { signal: controller.signal }));
      await eventually('it is under way', () => call.llms.seen.length > seen);
      controller.abort();
      await left;
    }
    call.faults.first = undefined;
    assert.equal((await call.ask()).status, 200);
  }),
);

test(
  'it recovers by itself: after the rest one request probes',
  withCall({ ...FEW, upstream: { breaker_failures: 2, breaker_open_ms: 50 } }, async (call) => {
    call.faults.first = 'refuse';
    for (let i = 0; i < 2; i++) await (await call.ask()).text();
    call.faults.first = undefined;
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal((await call.ask()).status, 200);
    assert.deepEqual(
      call.events.filter((event) => event.startsWith('breaker')),
      ['breaker first open', 'breaker first half_open', 'breaker first closed'],
    );
  }),
);

test(
  'a reload that leaves a target as it is leaves its breaker open; a changed target starts anew',
  withCall(FEW, async (call) => {
    call.faults.first = 'status:500';
    for (let i = 0; i < 3; i++) await (await call.ask()).text();
    assert.equal((await call.ask()).status, 503);
    call.caller.useConfig(configFor(FEW, call.llms.url));
    assert.equal((await call.ask()).status, 503);
    call.caller.useConfig(configFor({ ...FEW, targets: [{ name: 'first', model: 'other' }] }, call.llms.url));
    call.faults.first = undefined;
    assert.equal((await call.ask()).status, 200);
  }),
);

test('a 95th percentile needs enough answers and follows the latest', () => {
  const latency = new Latency();
  for (let i = 0; i < 9; i++) latency.add(10);
  assert.equal(latency.p95(), null);
  latency.add(500);
  assert.equal(latency.p95(), 500);
  for (let i = 0; i < 64; i++) latency.add(i + 1);
  assert.equal(latency.p95(), 61);
});
