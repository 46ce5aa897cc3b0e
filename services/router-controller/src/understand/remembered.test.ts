import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remembered } from './remembered.ts';

test('a text is read once, a long one each time, and of many the last ones are kept', () => {
  let reads = 0;
  const length = remembered((text) => {
    reads++;
    return text === 'none' ? null : text.length;
  });
  assert.deepEqual(
    [length('abc'), length('abc'), length('none'), length('none'), reads],
    [3, 3, null, null, 2],
  );
  const long = 'x'.repeat(4_001);
  assert.deepEqual([length(long), length(long), reads], [4_001, 4_001, 4]);
  for (let n = 0; n < 200; n++) length(`text ${n}`);
  assert.equal(length('abc'), 3);
  assert.equal(reads, 205);
});
