import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readModelConfig } from './model-config.ts';

const HEAD = `
  name: "h" backend: "onnxruntime" max_batch_size: 8
  input [ { name: "X" data_type: TYPE_FP32 dims: [ 4 ] } ]
  output [ { name: "Y" data_type: TYPE_FP32 dims: [ 2 ] label_filename: "l.txt" } ]
`;

test('reads what is served', () => {
  const config = readModelConfig(
    `${HEAD}
     dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 500
                        default_queue_policy { max_queue_size: 10 } }
     instance_group [ { kind: KIND_AUTO } ]
     parameters { key: "k" value: { string_value: "v" } }`,
    'h',
  );
  assert.equal(config.maxBatchSize, 8);
  assert.deepEqual(config.inputs, [{ name: 'X', datatype: 'FP32', dims: [4], labelFilename: null }]);
  assert.equal(config.outputs[0]!.labelFilename, 'l.txt');
  assert.deepEqual(config.dynamicBatching, { maxQueueDelayUs: 500, maxQueueSize: 10 });
  assert.deepEqual(config.parameters, { k: 'v' });
  assert.equal(config.modelFilename, 'model.onnx');
});

test('the name may be left out, and the platform may say the backend, as in Triton', () => {
  const config = readModelConfig(
    HEAD.replace('name: "h" backend: "onnxruntime"', 'platform: "onnxruntime_onnx"'),
    'x',
  );
  assert.equal(config.name, 'x');
  assert.equal(config.backend, 'onnxruntime');
});

for (const [what, source, words] of [
  ['another name', HEAD, /name is 'h', but its folder is 'other'/],
  ['an unknown field', `${HEAD} max_batchsize: 3`, /unknown field 'max_batchsize'.*max_batch_size/],
  [
    'a type',
    HEAD.replace('TYPE_FP32', 'TYPE_BF16'),
    /input 'X': data_type TYPE_BF16 is not served here; one of: TYPE_STRING/,
  ],
  ['a missing type', HEAD.replace('data_type: TYPE_FP32', ''), /input 'X': data_type missing/],
  [
    'a batch size',
    HEAD.replace('max_batch_size: 8', 'max_batch_size: "8"'),
    /max_batch_size must be a whole number from 0, not "8"/,
  ],
  [
    'dims of words',
    HEAD.replace('[ 4 ]', '[ many ]'),
    /input 'X': dims must be a whole number from -1, not "many"/,
  ],
  ['no dims', HEAD.replace('dims: [ 4 ]', ''), /input 'X': dims is missing/],
  ['dims of 0', HEAD.replace('[ 4 ]', '[ 0 ]'), /dims must be above 0, or -1/],
  [
    'a reshape',
    HEAD.replace('dims: [ 4 ]', 'dims: [ 4 ] reshape { shape: [ 2, 2 ] }'),
    /input 'X': reshape is not served here; use Triton/,
  ],
  ['sequences', `${HEAD} sequence_batching { }`, /sequence_batching is not served here; use Triton/],
  [
    'pinned versions',
    `${HEAD} version_policy { specific { versions: [ 1 ] } }`,
    /version_policy other than latest/,
  ],
] as const) {
  test(`refuses ${what} by name`, () => {
    assert.throws(() => readModelConfig(source, what === 'another name' ? 'other' : 'h'), words);
  });
}
