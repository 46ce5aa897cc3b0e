import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBytes, kserveService, type ModelConfigMessage, type ModelInferResponse } from './index.ts';

/** Protocol buffers by hand: numbers in seven bits a byte; a field's key is its number and its wire type. */
const number = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...number(value >> 7)];
const varint = (field: number, value: number) => Buffer.from([...number(field * 8), ...number(value)]);
const bytes = (field: number, ...parts: (string | Buffer)[]) => {
  const data = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([...number(field * 8 + 2), ...number(data.length)]), data]);
};

test('a request has the protocol’s field numbers', () => {
  const request = {
    model_name: 'm',
    model_version: '2',
    id: 'i',
    inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [1, 1] }],
    outputs: [{ name: 'OUTPUT', parameters: { classification: { int64_param: 3 } } }],
    raw_input_contents: [encodeBytes(['x'])],
  };
  const wire = kserveService.ModelInfer!.requestSerialize(request);
  const expected = Buffer.concat([
    bytes(1, 'm'),
    bytes(2, '2'),
    bytes(3, 'i'),
    bytes(5, bytes(1, 'INPUT'), bytes(2, 'BYTES'), bytes(3, Buffer.from([1, 1]))),
    bytes(6, bytes(1, 'OUTPUT'), bytes(2, bytes(1, 'classification'), bytes(2, varint(2, 3)))),
    bytes(7, Buffer.from([1, 0, 0, 0, 0x78])),
  ]);
  assert.deepEqual(wire, expected);
});

test('an answer is read by the protocol’s field numbers, and fields that we do not know pass', () => {
  const wire = Buffer.concat([
    bytes(1, 'm'),
    bytes(2, '7'),
    bytes(5, bytes(1, 'OUTPUT'), bytes(2, 'FP32'), varint(3, 1), varint(3, 2), bytes(15, 'unknown')),
    bytes(6, 'abcdefgh'),
    bytes(99, 'a field of the future'),
  ]);
  const answer = kserveService.ModelInfer!.responseDeserialize(wire) as ModelInferResponse;
  assert.equal(answer.model_name, 'm');
  assert.equal(answer.model_version, '7');
  assert.deepEqual(
    answer.outputs.map(({ name, datatype, shape }) => [name, datatype, shape]),
    [['OUTPUT', 'FP32', [1, 2]]],
  );
  assert.equal(answer.raw_output_contents![0]!.toString(), 'abcdefgh');
});

test('of Triton’s ModelConfig we read our fields and pass over the rest', () => {
  const config = Buffer.concat([
    bytes(1, 'e'),
    bytes(2, 'ensemble'),
    varint(4, 64),
    bytes(5, bytes(1, 'INPUT'), varint(2, 13), varint(4, 1)),
    bytes(6, bytes(1, 'OUTPUT'), varint(2, 11), varint(3, 12), bytes(4, 'labels.txt')),
    bytes(14, bytes(1, 'max_tokens'), bytes(2, bytes(1, '256'))),
    bytes(15, bytes(1, bytes(1, 'step'), varint(2, 1), bytes(3, bytes(1, 'A'), bytes(2, 'a')))),
    bytes(16, 'warm-up'),
    bytes(17, 'onnxruntime'),
  ]);
  const read = kserveService.ModelConfig!.responseDeserialize(bytes(1, config)) as {
    config: ModelConfigMessage;
  };
  assert.equal(read.config.max_batch_size, 64);
  assert.equal(read.config.platform, 'ensemble');
  assert.equal(read.config.backend, 'onnxruntime');
  assert.equal(read.config.input[0]!.data_type, 'TYPE_STRING');
  assert.deepEqual(read.config.output[0], {
    name: 'OUTPUT',
    data_type: 'TYPE_FP32',
    dims: [12],
    label_filename: 'labels.txt',
  });
  assert.equal(read.config.parameters.max_tokens!.string_value, '256');
  assert.deepEqual(read.config.ensemble_scheduling?.step, [
    { model_name: 'step', model_version: 1, input_map: { A: 'a' }, output_map: {} },
  ]);
});
