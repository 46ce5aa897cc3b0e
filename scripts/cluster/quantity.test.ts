import assert from 'node:assert/strict';
import { test } from 'node:test';
import { milliCores } from './quantity.ts';

test('a core’s parts are read in every unit that Kubernetes writes; anything else is refused', () => {
  const read = ['12345678n', '250u', '50m', '1', '0.5', '0'].map(milliCores);
  assert.deepEqual(
    read.map((each) => Number(each.toFixed(6))),
    [12.345678, 0.25, 50, 1000, 500, 0],
  );
  for (const wrong of ['', '50M', 'm', '1Gi']) assert.throws(() => milliCores(wrong), /no quantity of CPU/);
});
