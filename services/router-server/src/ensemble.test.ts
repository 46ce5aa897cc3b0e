import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { planEnsemble, runEnsemble } from './ensemble.ts';
import type { EnsembleStep, ModelConfig, TensorSpec } from './model-config.ts';
import type { Tensor, Tensors } from './tensor.ts';

const spec = (name: string, datatype = 'FP32', dims: number[] = [2]): TensorSpec => ({
  name,
  datatype,
  dims,
  labelFilename: null,
});

function model(
  name: string,
  inputs: TensorSpec[],
  outputs: TensorSpec[],
  more: Partial<ModelConfig> = {},
): ModelConfig {
  return {
    name,
    platform: '',
    backend: 'onnxruntime',
    maxBatchSize: 8,
    inputs,
    outputs,
    dynamicBatching: null,
    steps: [],
    modelFilename: 'model.onnx',
    parameters: {},
    ...more,
  };
}

const step = (name: string, from: string, to: string): EnsembleStep => ({
  model: name,
  version: '',
  inputMap: { IN: from },
  outputMap: { OUT: to },
});
const unit = (name: string, input = spec('IN'), output = spec('OUT')) => model(name, [input], [output]);
const ensemble = (steps: EnsembleStep[], more: Partial<ModelConfig> = {}) =>
  model('e', [spec('A')], [spec('Z')], { platform: 'ensemble', steps, ...more });
const among =
  (...models: ModelConfig[]) =>
  (name: string) => {
    const config = models.find((item) => item.name === name);
    return config ? { config, version: '1' } : null;
  };

test('steps are put in an order in which each one’s inputs exist, however they are written', () => {
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 8 })
        .chain((n) => fc.shuffledSubarray([...Array(n).keys()], { minLength: n })),
      (order) => {
        const last = order.length - 1;
        const steps = order.map((i) =>
          step(`m${i}`, i === 0 ? 'A' : `t${i - 1}`, i === last ? 'Z' : `t${i}`),
        );
        const models = order.map((i) => unit(`m${i}`));
        const planned = planEnsemble(ensemble(steps), among(...models)).map((item) => item.model);
        assert.deepEqual(
          planned,
          [...order].sort((a, b) => a - b).map((i) => `m${i}`),
        );
      },
    ),
  );
});

for (const [what, steps, models, words] of [
  ['no steps', [], [], /ensemble e has no steps/],
  ['a step that is not there', [step('m', 'A', 'Z')], [], /its step 'm' is not loaded/],
  [
    'a cycle',
    [step('m', 'x', 'y'), step('m', 'y', 'x')],
    [unit('m')],
    /no step can go on; m waits for x; m waits for y/,
  ],
  ['a tensor that nobody makes', [step('m', 'nothing', 'Z')], [unit('m')], /m waits for nothing/],
  ['a tensor made twice', [step('m', 'A', 'Z'), step('m', 'A', 'Z')], [unit('m')], /tensor Z is made twice/],
  ['an output that nobody makes', [step('m', 'A', 'y')], [unit('m')], /no step makes its output Z/],
  [
    'another type',
    [step('m', 'A', 'Z')],
    [unit('m', spec('IN', 'INT64'))],
    /step m wants IN INT64\[2\], but A is A FP32\[2\]/,
  ],
  [
    'other dims',
    [step('m', 'A', 'Z')],
    [unit('m', spec('IN', 'FP32', [3]))],
    /step m wants IN FP32\[3\], but A is A FP32\[2\]/,
  ],
  [
    'other dims of the output',
    [step('m', 'A', 'Z')],
    [unit('m', spec('IN'), spec('OUT', 'FP32', [5]))],
    /output Z FP32\[2\] is made as OUT FP32\[5\]/,
  ],
  [
    'an unmapped input',
    [step('m', 'A', 'Z')],
    [model('m', [spec('IN'), spec('MASK')], [spec('OUT')])],
    /step m leaves its input MASK unmapped/,
  ],
  [
    'an input that the step does not have',
    [step('m', 'A', 'Z')],
    [model('m', [], [spec('OUT')])],
    /step m has no input IN/,
  ],
  [
    'an output that the step does not have',
    [step('m', 'A', 'Z')],
    [model('m', [spec('IN')], [spec('OTHER')])],
    /step m has no output OUT; it has OTHER FP32\[2\]/,
  ],
  [
    'a smaller batch',
    [step('m', 'A', 'Z')],
    [model('m', [spec('IN')], [spec('OUT')], { maxBatchSize: 4 })],
    /its max_batch_size is 8, but that of its step m is 4/,
  ],
  [
    'another version',
    [{ ...step('m', 'A', 'Z'), version: '3' }],
    [unit('m')],
    /step m wants version 3, served is 1/,
  ],
] as const) {
  test(`refuses ${what}, naming it`, () => {
    assert.throws(() => planEnsemble(ensemble([...steps]), among(...models)), words);
  });
}

describe('a head is served with the encoder that it was trained on', () => {
  const steps = [step('encoder', 'A', 'B'), step('mine_head', 'B', 'Z')];
  const named = (name: string, fingerprint?: string) =>
    model(name, [spec('IN')], [spec('OUT')], {
      parameters: fingerprint === undefined ? {} : { encoder_fingerprint: fingerprint },
    });
  const plan = (encoder?: string, head?: string) =>
    planEnsemble(ensemble(steps), among(named('encoder', encoder), named('mine_head', head)));

  test('with the same fingerprint, and where the encoder has none', () => {
    for (const [encoder, head] of [['e5-1', 'e5-1'], [], [undefined, 'e5-1']] as const)
      assert.equal(plan(encoder, head).length, 2);
  });

  test('refused with another, or with none, and told what to run', () => {
    const cure =
      /mine_head was trained on another encoder \((old|it does not say which)\) than encoder is now \(new\)\. Train it again: npm run policy:train -- --name mine --data FILE$/;
    assert.throws(() => plan('new', 'old'), cure);
    assert.throws(() => plan('new'), cure);
  });
});

test('-1 fits any length', () => {
  const models = [unit('m', spec('IN', 'FP32', [-1]), spec('OUT', 'FP32', [-1]))];
  assert.equal(planEnsemble(ensemble([step('m', 'A', 'Z')]), among(...models)).length, 1);
});

test('a run hands tensors on by their names in the ensemble, and a failing step fails the run', async () => {
  const asked: (readonly string[])[] = [];
  const plus = (n: number) => ({
    infer: async (inputs: Tensors, wanted: readonly string[]) => {
      asked.push(wanted);
      const { data, ...rest } = inputs.get('IN')!;
      return new Map([['OUT', { ...rest, data: Float32Array.from(data as Float32Array, (x) => x + n) }]]);
    },
  });
  const input = new Map<string, Tensor>([
    ['A', { datatype: 'FP32', shape: [1, 2], data: Float32Array.of(1, 2) }],
  ]);
  const steps = [step('one', 'A', 'mid'), step('ten', 'mid', 'Z')];
  const outputs = await runEnsemble(steps, (name) => plus(name === 'one' ? 1 : 10), input, ['Z']);
  assert.deepEqual([...outputs.keys()], ['Z']);
  // No more than the maps name.
  assert.deepEqual(asked, [['OUT'], ['OUT']]);
  assert.deepEqual(outputs.get('Z')!.data, Float32Array.of(12, 13));
  const broken = { infer: () => Promise.reject(new Error('broken step')) };
  await assert.rejects(
    runEnsemble(steps, () => broken, input, ['Z']),
    /broken step/,
  );
});
