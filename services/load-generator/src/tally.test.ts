import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from './options.ts';
import { reportOf, table } from './report.ts';
import type { Sample } from './send.ts';
import { Counter, percentiles, Tally } from './tally.ts';
import { Timeline } from './timeline.ts';

const sample = (more: Partial<Sample> = {}): Sample => ({
  status: 200,
  label: 'A',
  model: 'm',
  latencyMs: 10,
  ttftMs: null,
  tokens: { prompt: 2, completion: 3 },
  error: null,
  said: null,
  isUnfinished: false,
  ...more,
});

test('percentiles are values that were there, by nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual(percentiles(values), { p50: 50, p90: 90, p99: 99, max: 100 });
  assert.deepEqual(percentiles([7]), { p50: 7, p90: 7, p99: 7, max: 7 });
  assert.equal(percentiles([]), null);
});

test('every request is counted once, and only whole answers make the percentiles', () => {
  const tally = new Tally();
  for (let i = 0; i < 5; i++) tally.begun(i);
  tally.notSent = 2;
  tally.ended(sample({ ttftMs: 4 }));
  tally.ended(sample({ label: 'B', latencyMs: 20 }));
  tally.ended(
    sample({ status: 429, error: '429 rate_limit_exceeded', label: null, model: null, latencyMs: 1 }),
  );
  tally.ended(sample({ status: null, error: 'AbortError', isUnfinished: true, tokens: null }));
  assert.equal(tally.underWay, 1);
  const timeline = new Timeline(1);
  timeline.ended(sample({ ttftMs: 4 }), 100);
  timeline.ended(sample({ label: 'B', latencyMs: 20 }), 2_100);
  timeline.ended(sample({ error: 'timeout' }), 2_200);
  timeline.ended(sample({ error: 'AbortError', isUnfinished: true }), 2_300);
  const { at, ...report } = reportOf(
    readOptions(['--rate', '7', '--seconds', '1'], {})!,
    tally,
    2_000,
    timeline,
    { cost: 0.25, saved: 1.5 },
  );
  assert.ok(!Number.isNaN(Date.parse(at)));
  const slice = (at_s: number, answered: number, failed: number, ms: number | null, tokens: number) => ({
    at_s,
    answered,
    failed,
    latency_p50_ms: ms,
    latency_p90_ms: ms,
    latency_p99_ms: ms,
    ttft_p50_ms: at_s === 0 ? 4 : null,
    completion_tokens: tokens,
  });
  const { completion } = sample().tokens!;
  assert.deepEqual(report, {
    url: 'http://127.0.0.1:8084',
    loop: 'open',
    rate: 7,
    clients: null,
    mix: 'short',
    stream_share: 0.5,
    policy: null,
    unique: true,
    seconds: 1,
    answered_per_s: 1,
    cost_usd: 0.25,
    saved_usd: 1.5,
    by_label: {
      A: { answered: 1, latency_p50_ms: 10, latency_p99_ms: 10 },
      B: { answered: 1, latency_p50_ms: 20, latency_p99_ms: 20 },
    },
    slice_s: 1,
    gave_up: null,
    timeline: [slice(0, 1, 0, 10, completion), slice(1, 0, 0, null, 0), slice(2, 1, 1, 20, completion)],
    planned: 7,
    sent: 5,
    not_sent: 2,
    answered: 2,
    failed: 1,
    unfinished: 1,
    elapsed_s: 2,
    statuses: { 200: 2, 429: 1 },
    labels: { A: 1, B: 1 },
    models: { m: 2 },
    errors: { '429 rate_limit_exceeded': 1 },
    latency_ms: { p50: 10, p90: 20, p99: 20, max: 20 },
    ttft_ms: { p50: 4, p90: 4, p99: 4, max: 4 },
    tokens: { prompt: 6, completion: 9, completion_per_s: 4.5 },
    latest_start_ms: 4,
  });
  const shown = table({ at, ...report }, 32);
  assert.match(shown, /7 planned, 5 sent in 2 s, 2 not sent \(32 at once/);
  assert.match(shown, /2 answered, 1 failed, 1 unfinished/);
  assert.match(shown, /latency +10\.0 +20\.0 +20\.0 +20\.0/);
  assert.match(shown, /errors +429 rate_limit_exceeded +1/);
});

test('kinds are bounded, and none of the count is lost', () => {
  const counter = new Counter();
  for (let i = 0; i < 500; i++) counter.add(`kind ${i}`);
  counter.add('kind 0');
  const counts = counter.toObject();
  assert.equal(Object.keys(counts).length, 101);
  assert.equal(
    Object.values(counts).reduce((sum, count) => sum + count, 0),
    501,
  );
  assert.deepEqual(Object.entries(counts).slice(0, 2), [
    ['(others)', 400],
    ['kind 0', 2],
  ]);
});
