import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inParts } from './onnx-model.ts';
import type { Tensor, Tensors } from './tensor.ts';

test('a large batch runs in parts within bounds, and comes back whole and in order', async () => {
  const rows = fc.integer({ min: 1, max: 40 });
  await fc.assert(
    fc.asyncProperty(
      rows,
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 64 }),
      async (n, length, most) => {
        const ids = BigInt64Array.from({ length: n * length }, (_, i) => BigInt(i));
        const input: Tensor = { datatype: 'INT64', shape: [n, length], data: ids };
        const runs: number[] = [];
        const firstOfEachRow = async (inputs: Tensors) => {
          const { shape, data } = inputs.get('IDS')!;
          runs.push(shape[0]! * length);
          const own = Float32Array.from({ length: shape[0]! }, (_, row) =>
            Number((data as BigInt64Array)[row * length]),
          );
          return new Map<string, Tensor>([['OUT', { datatype: 'FP32', shape: [shape[0]!, 1], data: own }]]);
        };
        const out = (await inParts(firstOfEachRow, most)(new Map([['IDS', input]]), ['OUT'])).get('OUT')!;
        assert.deepEqual(out.shape, [n, 1]);
        assert.deepEqual(
          Array.from(out.data as Float32Array),
          Array.from({ length: n }, (_, row) => row * length),
        );
        assert.ok(runs.every((tokens) => tokens <= Math.max(most, length)));
        assert.equal(
          runs.reduce((sum, tokens) => sum + tokens, 0),
          n * length,
        );
      },
    ),
  );
});
