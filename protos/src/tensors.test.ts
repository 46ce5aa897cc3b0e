import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBytes, decodeNumbers, encodeBytes, encodeNumbers, readOutput } from './index.ts';

test('BYTES come back as they were, any content', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (values) => {
      const back = decodeBytes(encodeBytes(values));
      assert.deepEqual(
        back.map((b) => Array.from(b)),
        values.map((v) => Array.from(v)),
      );
    }),
  );
});

test('a BYTES tensor cut anywhere inside is refused, not misread', () => {
  const whole = encodeBytes(['héllo', 'b']);
  for (let end = 1; end < whole.length; end++) {
    const cut = whole.subarray(0, end);
    if (end === 4 + Buffer.byteLength('héllo')) assert.equal(decodeBytes(cut).length, 1);
    else assert.throws(() => decodeBytes(cut), RangeError);
  }
});

test('numbers survive the wire in each datatype', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeInteger()), (values) => {
      assert.deepEqual(decodeNumbers('INT64', encodeNumbers('INT64', values)), values);
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true })), (values) => {
      assert.deepEqual(decodeNumbers('FP32', encodeNumbers('FP32', values)), values);
    }),
  );
  assert.throws(() => decodeNumbers('FP32', Buffer.alloc(5)), /no whole number/);
  assert.throws(() => encodeNumbers('FP16', [1]), /FP16/);
});

test('an output is found by name, raw or typed', () => {
  const tensor = { name: 'OUTPUT', datatype: 'FP32', shape: [1, 2] };
  const other = { name: 'TOKEN_COUNT', datatype: 'INT32', shape: [1, 1] };
  const raw = {
    model_name: 'm',
    model_version: '1',
    outputs: [other, tensor],
    raw_output_contents: [encodeNumbers('INT32', [7]), encodeNumbers('FP32', [0.25, 0.75])],
  };
  assert.deepEqual(readOutput(raw, 'OUTPUT')?.numbers, [0.25, 0.75]);
  assert.deepEqual(readOutput(raw, 'TOKEN_COUNT')?.numbers, [7]);
  const typed = {
    ...raw,
    outputs: [{ ...tensor, contents: { fp32_contents: [0.25, 0.75] } }],
    raw_output_contents: [],
  };
  assert.deepEqual(readOutput(typed, 'OUTPUT')?.numbers, [0.25, 0.75]);
  assert.equal(readOutput(typed, 'SCORES'), null);
});
