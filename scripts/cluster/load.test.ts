import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Line } from './load/client.ts';
import { tally } from './load.ts';

const line = (over: Partial<Line>): Line => ({
  at: 0,
  firstMs: 10,
  ms: 20,
  stream: false,
  outcome: 'answered',
  status: 200,
  reason: 'classified',
  detail: '',
  ...over,
});

test('what went wrong is counted by kind; an answer without the classifier’s word fell back', () => {
  const told = tally([
    line({}),
    line({ outcome: 'lost', status: 0, reason: '', firstMs: null, ms: 700, detail: 'ECONNRESET' }),
    line({ outcome: 'cut', stream: true, reason: 'classifier_error_fallback', firstMs: 50 }),
    line({ reason: 'classifier_error_fallback' }),
    line({ reason: 'threshold', stream: true, firstMs: 10, ms: 900 }),
    line({ stream: true, firstMs: 890, ms: 900 }),
  ]);
  assert.deepEqual(
    { ...told, examples: told.examples.length },
    {
      requests: 6,
      lost: 1,
      cut: 1,
      fellBack: 1,
      streams: 2,
      atOnce: 1,
      longestPauseMs: 890,
      examples: 3,
    },
  );
  assert.match(told.examples[0]!, /lost 0 .*700 ms ECONNRESET/);
});

test('nothing sent is nothing wrong', () => {
  assert.deepEqual(tally([]), {
    requests: 0,
    lost: 0,
    cut: 0,
    fellBack: 0,
    streams: 0,
    atOnce: 0,
    longestPauseMs: 0,
    examples: [],
  });
});
