/** A second target is asked when the first has not begun within its observed 95th percentile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Target } from '../../config/types.ts';
import type { TryResult } from '../journey.ts';
import { attemptsOf, type CallTest, errorOf, eventually, withCall } from '../testing.ts';
import { REAL_TIME } from '../time.ts';
import { failure } from './attempt.ts';
import { hedged } from './hedge.ts';
import type { TryOptions } from './try-target.ts';

const hedging = (more: object = {}) => ({
  targets: [{ name: 'first' }, { name: 'second' }],
  policy: { hedge: { enabled: true, min_ms: 100 }, ...more },
});

/** Enough quick answers to know a percentile. */
async function warm(call: CallTest): Promise<void> {
  for (let i = 0; i < 12; i++) await (await call.ask()).text();
  assert.ok(call.llms.seen.every((seen) => seen.body.model === 'first'));
  call.llms.seen.length = 0;
}

for (const stream of [false, true]) {
  test(
    `a first target that does not begin: the second answers, the first is aborted, stream ${stream}`,
    withCall(hedging(), async (call) => {
      await warm(call);
      call.faults.first = 'stall-before-headers';
      const response = await call.ask({ stream });
      assert.equal(response.headers.get('x-llm-router-model'), 'second');
      await response.text();
      assert.deepEqual(attemptsOf(call.last()).sort(), [
        ['first', 'aborted'],
        ['second', 'ok'],
      ]);
      assert.equal(await call.llms.seen[0]!.ended, false);
    }),
  );
}

test(
  'a first target that has begun is left in peace, however slow it goes on',
  withCall(hedging(), async (call) => {
    await warm(call);
    call.faults.first = 'slow-drip:60';
    assert.match(await (await call.ask({ stream: true })).text(), /\[DONE\]/);
    assert.deepEqual(
      call.llms.seen.map((seen) => seen.body.model),
      ['first'],
    );
  }),
);

test(
  'off, or without enough answers to know a percentile, nothing is hedged',
  withCall({ ...hedging(), policy: { hedge: { enabled: true, min_ms: 1 } } }, async (call) => {
    call.respond = () => ({ chunks: [Buffer.from(': slow\n\n')], stall: true });
    const controller = new AbortController();
    const left = assert.rejects(call.ask({ stream: true }, { signal: controller.signal }));
    await eventually('the first is asked', () => call.llms.seen.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    controller.abort();
    await left;
    assert.deepEqual(
      call.llms.seen.map((seen) => seen.body.model),
      ['first'],
    );
  }),
);

test('the first may still win, and the second is aborted', async () => {
  const run = (target: Target, { signal }: TryOptions) =>
    new Promise<TryResult>((resolve) => {
      const lost = () =>
        resolve({ kind: 'failed', target, failure: failure('aborted', 'was not waited for') });
      signal!.addEventListener('abort', lost);
      if (target.name === 'first')
        setTimeout(() => resolve({ kind: 'won', target } as unknown as TryResult), 50);
    });
  const [first, second] = ['first', 'second'].map((name) => ({ name }) as Target) as [Target, Target];
  const results = await hedged(first, { run, delayMs: 1, second: () => second, time: REAL_TIME });
  assert.deepEqual(
    results.map(({ kind, target }) => [target.name, kind]),
    [
      ['first', 'won'],
      ['second', 'failed'],
    ],
  );
});

test(
  'both fail: the budget goes on, and the client is told once',
  withCall(hedging({ retry_budget: { attempts: 2 } }), async (call) => {
    await warm(call);
    call.faults.first = 'stall-before-headers';
    call.faults.second = 'status:400';
    const response = await call.ask();
    assert.equal(response.status, 400);
    assert.match((await errorOf(response)).message, /told to answer 400/);
    assert.equal(await call.llms.seen[0]!.ended, false);
  }),
);

test(
  'a client that leaves ends both',
  withCall(hedging(), async (call) => {
    await warm(call);
    call.faults.first = 'stall-before-headers';
    call.faults.second = 'stall-before-headers';
    const controller = new AbortController();
    const left = assert.rejects(call.ask({}, { signal: controller.signal }));
    await eventually('both are asked', () => call.llms.seen.length === 2);
    controller.abort();
    await left;
    assert.deepEqual(await Promise.all(call.llms.seen.map((seen) => seen.ended)), [false, false]);
    await eventually('the call has ended', () => call.outcomes.length === 13);
    assert.equal(call.last().status, 499);
  }),
);
