import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { QuickCounter, QuickHistogram } from './instruments.ts';

const BUCKETS = [0.5, 1, 2.5];
const labelNames = ['policy', 'a'] as const;

function pair() {
  const quick = new Registry();
  const plain = new Registry();
  const counter = { name: 'c', help: 'c', labelNames };
  const histogram = { name: 'h', help: 'h', labelNames, buckets: [...BUCKETS] };
  const bare = { name: 'b', help: 'b' };
  const bareHistogram = { name: 'bh', help: 'bh', buckets: [...BUCKETS] };
  const ours = {
    counter: new QuickCounter({ ...counter, registers: [quick] }),
    histogram: new QuickHistogram({ ...histogram, registers: [quick] }),
    bare: new QuickCounter({ ...bare, registers: [quick] }),
    bareHistogram: new QuickHistogram({ ...bareHistogram, registers: [quick] }),
  };
  const theirs = {
    counter: new Counter({ ...counter, registers: [plain] }),
    histogram: new Histogram({ ...histogram, registers: [plain] }),
    bare: new Counter({ ...bare, registers: [plain] }),
    bareHistogram: new Histogram({ ...bareHistogram, registers: [plain] }),
  };
  return { quick, plain, both: [ours, theirs] as const };
}

type Both = ReturnType<typeof pair>['both'][number];

const labels = fc.record(
  { policy: fc.constantFrom('x', 'y', '1'), a: fc.constantFrom('x', '', 'a:b,c') },
  { requiredKeys: [] },
);
const number = fc.oneof(fc.constantFrom(0, 0.5, 1, 2.5, 3), fc.double({ min: 0, max: 10, noNaN: true }));
const odd = fc.constantFrom(-1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);

/** What is done to both; it tells what was thrown. */
const step: fc.Arbitrary<(on: Both) => void> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(labels, number).map(
      ([l, n]) =>
        (on: Both) =>
          on.counter.inc(l, n),
    ),
  },
  { weight: 3, arbitrary: labels.map((l) => (on: Both) => on.counter.inc(l)) },
  {
    weight: 6,
    arbitrary: fc.tuple(labels, number).map(
      ([l, n]) =>
        (on: Both) =>
          on.histogram.observe(l, n),
    ),
  },
  number.map((n) => (on: Both) => on.bare.inc(n)),
  fc.constant((on: Both) => on.bare.inc()),
  number.map((n) => (on: Both) => on.bareHistogram.observe(n)),
  fc.tuple(labels, odd).map(
    ([l, n]) =>
      (on: Both) =>
        on.counter.inc(l, n),
  ),
  fc.tuple(labels, odd).map(
    ([l, n]) =>
      (on: Both) =>
        on.histogram.observe(l, n),
  ),
  labels.map((l) => (on: Both) => on.counter.remove(l)),
  labels.map((l) => (on: Both) => on.histogram.remove(l)),
  labels.map((l) => (on: Both) => on.histogram.zero(l)),
  fc.constant((on: Both) => on.counter.reset()),
  fc.constant((on: Both) => on.histogram.reset()),
);

function thrown(run: () => void): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

test('whatever is counted, removed and reset: text, JSON and errors are prom-client’s', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(), async (steps, scrapedAt) => {
      const { quick, plain, both } = pair();
      const [ours, theirs] = both;
      for (const [at, run] of steps.entries()) {
        assert.equal(
          thrown(() => run(ours)),
          thrown(() => run(theirs)),
        );
        if (at === scrapedAt % 60) assert.equal(await quick.metrics(), await plain.metrics());
      }
      assert.equal(await quick.metrics(), await plain.metrics());
      assert.deepEqual(await quick.getMetricsAsJSON(), await plain.getMetricsAsJSON());
    }),
    { numRuns: 300 },
  );
});

test('a label that the metric does not have is refused', () => {
  const [ours] = pair().both;
  assert.throws(() => ours.counter.inc({ tenant: 'x' } as never), /tenant/);
  assert.throws(() => ours.histogram.observe({ tenant: 'x' } as never, 1), /tenant/);
});
