import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from './parity.ts';
import { quantile } from './speed.ts';

test('labels are held against each other where they are clear, probabilities everywhere', () => {
  const a = [
    [0.9, 0.1],
    [0.505, 0.495],
    [0.2, 0.8],
  ];
  const b = [
    [0.89, 0.11],
    [0.495, 0.505],
    [0.7, 0.3],
  ];
  assert.deepEqual(compare(a, b), { prompts: 3, clear: 2, alike: 1, worst: 0.5, p95: 0.5, labels: 2 });
  assert.equal(compare(a, a).worst, 0);
});

test('what is no number, or not there, is as far off as can be', () => {
  assert.equal(compare([[0.9, 0.1]], [[Number.NaN, 0.1]]).worst, 1);
  assert.equal(compare([[0.9, 0.1]], [[0.9]]).worst, 1);
});

test('quantiles are of calls that were', () => {
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2);
  assert.equal(quantile([1, 2, 3, 4], 0.99), 4);
  assert.equal(quantile([7], 0.5), 7);
});
