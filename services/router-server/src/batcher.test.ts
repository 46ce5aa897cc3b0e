import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Batcher, type BatcherOptions, type Run } from './batcher.ts';
import { InferError } from './errors.ts';
import type { Tensor, Tensors } from './tensor.ts';

/** Rows of `width` equal numbers, so that each row can be told again. */
function rowsOf(values: readonly number[], width = 1): Tensors {
  const data = Float32Array.from(values.flatMap((value) => Array<number>(width).fill(value)));
  return new Map<string, Tensor>([['X', { datatype: 'FP32', shape: [values.length, width], data }]]);
}
const dataOf = (tensors: Tensors) => Array.from(tensors.get('X')!.data as Float32Array);
const OPTIONS: BatcherOptions = { maxBatch: 4, maxDelayUs: 0, maxQueue: 1000 };
const X = { outputs: ['X'] };
const silent = { onRun: () => {} };

/** A run that waits until it is let go. */
function gate() {
  const sizes: number[] = [];
  const waiting: (() => void)[] = [];
  const run: Run = async (inputs) => {
    sizes.push(inputs.get('X')!.shape[0]!);
    await new Promise<void>((go) => waiting.push(go));
    return inputs;
  };
  const release = async () => {
    while (waiting.length === 0) await new Promise((next) => setImmediate(next));
    waiting.shift()!();
  };
  return { run, sizes, release };
}

test('every request gets its own rows back; batches stay within bounds and hold one shape', async () => {
  const job = fc.record({
    values: fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 4 }),
    width: fc.constantFrom(1, 3),
    delayed: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(job, { maxLength: 30 }), fc.constantFrom(0, 2000), async (jobs, maxDelayUs) => {
      let rows = 0;
      const run: Run = async (inputs) => {
        const { shape, data } = inputs.get('X')!;
        assert.ok(shape[0]! <= 4);
        assert.equal(data.length, shape[0]! * shape[1]!);
        const doubled = Float32Array.from(data as Float32Array, (x) => x * 2);
        return new Map([['X', { datatype: 'FP32', shape, data: doubled }]]);
      };
      const batcher = new Batcher(run, { ...OPTIONS, maxDelayUs }, { onRun: (n) => (rows += n) });
      const answers = jobs.map(async ({ values, width, delayed }) => {
        if (delayed) await new Promise((next) => setImmediate(next));
        return batcher.submit(rowsOf(values, width), values.length, X);
      });
      for (const [i, answer] of (await Promise.all(answers)).entries()) {
        const { values, width } = jobs[i]!;
        assert.deepEqual(
          dataOf(answer),
          dataOf(
            rowsOf(
              values.map((x) => x * 2),
              width,
            ),
          ),
        );
      }
      assert.equal(
        rows,
        jobs.reduce((sum, { values }) => sum + values.length, 0),
      );
      await batcher.idle();
    }),
    { numRuns: 60 },
  );
});

test('what arrives while a batch runs goes together in the next one', async () => {
  const { run, sizes, release } = gate();
  const batcher = new Batcher(run, OPTIONS, silent);
  const first = batcher.submit(rowsOf([1]), 1, X);
  while (sizes.length === 0) await new Promise((next) => setImmediate(next));
  const others = [2, 3, 4].map((value) => batcher.submit(rowsOf([value]), 1, X));
  await release();
  await release();
  await Promise.all([first, ...others]);
  assert.deepEqual(sizes, [1, 3]);
});

test('a cancelled request that still waits is not run', async () => {
  const { run, sizes, release } = gate();
  const batcher = new Batcher(run, OPTIONS, silent);
  const first = batcher.submit(rowsOf([1]), 1, X);
  while (sizes.length === 0) await new Promise((next) => setImmediate(next));
  const controller = new AbortController();
  const gone = batcher.submit(rowsOf([2]), 1, { ...X, signal: controller.signal });
  const stays = batcher.submit(rowsOf([3]), 1, X);
  controller.abort();
  await release();
  await assert.rejects(gone, (error: InferError) => error.code === 'CANCELLED');
  await release();
  assert.deepEqual(dataOf(await stays), [3]);
  await first;
  assert.deepEqual(sizes, [1, 1]);
});

test('a full queue refuses; the places of those who have gone are free again', async () => {
  const { run, sizes, release } = gate();
  const batcher = new Batcher(run, { ...OPTIONS, maxQueue: 2 }, silent);
  const first = batcher.submit(rowsOf([1]), 1, X);
  while (sizes.length === 0) await new Promise((next) => setImmediate(next));
  const controller = new AbortController();
  const gone = batcher.submit(rowsOf([2]), 1, { ...X, signal: controller.signal });
  gone.catch(() => {});
  const second = batcher.submit(rowsOf([3]), 1, X);
  await assert.rejects(
    batcher.submit(rowsOf([4]), 1, X),
    (error: InferError) => error.code === 'UNAVAILABLE',
  );
  controller.abort();
  const third = batcher.submit(rowsOf([5]), 1, X);
  await assert.rejects(gone, InferError);
  await release();
  await release();
  assert.deepEqual((await Promise.all([first, second, third])).map(dataOf), [[1], [3], [5]]);
});

test('a failing run fails its own requests and no later ones', async () => {
  let fails = true;
  const run: Run = async (inputs) => {
    if (fails) throw new Error('out of memory');
    return inputs;
  };
  const batcher = new Batcher(run, OPTIONS, silent);
  await assert.rejects(batcher.submit(rowsOf([1]), 1, X), /out of memory/);
  fails = false;
  assert.deepEqual(dataOf(await batcher.submit(rowsOf([2]), 1, X)), [2]);
});

test('a model that loses rows is not believed', async () => {
  const run: Run = async () => rowsOf([1]);
  const batcher = new Batcher(run, OPTIONS, silent);
  const answers = await Promise.allSettled([
    batcher.submit(rowsOf([1]), 1, X),
    batcher.submit(rowsOf([2]), 1, X),
  ]);
  for (const answer of answers) {
    assert.equal(answer.status, 'rejected');
    assert.match(String((answer as PromiseRejectedResult).reason), /gave 1 rows of X for 2 rows/);
  }
});

test('idle waits for the run under way', async () => {
  const { run, release } = gate();
  const batcher = new Batcher(run, OPTIONS, silent);
  const answer = batcher.submit(rowsOf([1]), 1, X);
  let idle = false;
  const wait = batcher.idle().then(() => {
    idle = true;
  });
  await new Promise((next) => setTimeout(next, 20));
  assert.equal(idle, false);
  await release();
  await answer;
  await wait;
});

test('batch mates that want different outputs share a run, which computes what any of them wants', async () => {
  const asked: (readonly string[])[] = [];
  const run: Run = async (inputs, outputs) => {
    asked.push(outputs);
    return new Map(outputs.map((name) => [name, inputs.get('X')!]));
  };
  const batcher = new Batcher(run, OPTIONS, silent);
  const wishes = [['A'], ['A', 'B'], ['B']];
  const answers = await Promise.all(
    wishes.map((outputs, at) => batcher.submit(rowsOf([at]), 1, { outputs })),
  );
  assert.deepEqual(asked, [['A', 'B']]);
  for (const [at, answer] of answers.entries()) {
    assert.deepEqual([...answer.keys()], wishes[at]);
    for (const tensor of answer.values()) assert.deepEqual(Array.from(tensor.data as Float32Array), [at]);
  }
});
