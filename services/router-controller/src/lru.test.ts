import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lru } from './lru.ts';

test('what was not used for longest goes when one more comes than fits', () => {
  const known = lru<number>(3);
  for (const [at, name] of ['a', 'b', 'c'].entries()) known.set(name, at);
  known.get('a');
  known.set('d', 3);
  assert.deepEqual([...known.keys()].sort(), ['a', 'c', 'd']);
  // Set again, it takes no second place.
  known.set('a', 9);
  assert.deepEqual([known.size, known.get('a')], [3, 9]);
});

test('the memory of a large bound is taken as it fills', () => {
  const size = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = size();
  const known = lru<true>(5_000_000);
  known.set('a', true);
  assert.ok(size() - before < 5_000_000, `${size() - before} bytes for one entry`);
});

test('an entry is forgotten after its time', async () => {
  const known = lru<true>(10, 20);
  known.set('a', true);
  assert.equal(known.get('a'), true);
  while (known.get('a') !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
});
