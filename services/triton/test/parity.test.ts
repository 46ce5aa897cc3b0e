/** Real Triton and services/router-server give the same tokens and the same labels on the same prompts. */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { type RouterServer, startRouterServer } from '@llm-router/router-server';
import { startTriton, type Triton } from '../src/start-triton.ts';
import { Client, top } from './client.ts';
import { PROMPTS } from './prompts.ts';

const REPOSITORY = join(resolve(import.meta.dirname, '../../..'), 'model_repository');
const ENSEMBLES = ['task_router_ensemble', 'complexity_router_ensemble'];
/** The same version of onnxruntime on both sides, but other builds of it: int8 activations make a step of a rounding. */
const TOLERANCE = 0.03;
/** Where the best two are closer than this, either is right. */
const MARGIN = 0.05;

let triton: Triton;
let embedded: RouterServer;
let real: Client;
let ours: Client;

before(async () => {
  triton = await startTriton({ repository: REPOSITORY });
  embedded = await startRouterServer({ repository: REPOSITORY, pollSeconds: 0 });
  real = new Client(triton.grpc);
  ours = new Client(embedded.grpc);
});
after(async () => {
  real?.close();
  ours?.close();
  // Both, whatever becomes of the other.
  await Promise.allSettled([embedded?.close(), triton?.stop()]);
});

const name = (prompt: string | Buffer, index: number) =>
  `prompt ${index} (${JSON.stringify(String(prompt).slice(0, 40))})`;
const both = <T>(call: (client: Client) => Promise<T>) => Promise.all([call(real), call(ours)]);

test('the same tokens, masks, lengths and counts, to the last', async () => {
  let cut = 0;
  for (const [index, prompt] of PROMPTS.entries()) {
    const [a, b] = await both((client) => client.infer('prompt_tokenizer', [prompt]));
    for (const output of ['INPUT_IDS', 'ATTENTION_MASK', 'TOKEN_COUNT']) {
      assert.deepEqual(b.shape(output), a.shape(output), `${output} of ${name(prompt, index)}`);
      assert.deepEqual(b.numbers(output), a.numbers(output), `${output} of ${name(prompt, index)}`);
    }
    if (a.numbers('TOKEN_COUNT')[0]! > a.numbers('INPUT_IDS').length) cut++;
  }
  assert.ok(cut >= 20, `only ${cut} prompts were long enough to be cut`);
});

test('the same tokens for batches of mixed lengths', async () => {
  for (let at = 0; at < PROMPTS.length; at += 8) {
    const batch = PROMPTS.slice(at, at + 8);
    const [a, b] = await both((client) => client.infer('prompt_tokenizer', batch));
    assert.deepEqual(b.shape('INPUT_IDS'), a.shape('INPUT_IDS'));
    assert.deepEqual(b.numbers('INPUT_IDS'), a.numbers('INPUT_IDS'));
    assert.deepEqual(b.numbers('TOKEN_COUNT'), a.numbers('TOKEN_COUNT'));
  }
});

for (const ensemble of ENSEMBLES) {
  test(`${ensemble}: the same labels, probabilities within ${TOLERANCE}`, async (t) => {
    let worst = 0;
    let clear = 0;
    const seen = new Set<number>();
    for (const [index, prompt] of PROMPTS.entries()) {
      const [a, b] = await both((client) => client.infer(ensemble, [prompt]));
      const [p, q] = [a.numbers('OUTPUT'), b.numbers('OUTPUT')];
      assert.equal(p.length, q.length);
      for (const [at, value] of p.entries()) worst = Math.max(worst, Math.abs(value - q[at]!));
      const best = top(p);
      seen.add(best.index);
      if (best.margin <= MARGIN) continue;
      clear++;
      assert.equal(top(q).index, best.index, `label of ${name(prompt, index)}`);
    }
    t.diagnostic(
      `${PROMPTS.length} prompts, ${clear} with a clear label, ${seen.size} labels, largest difference ${worst.toExponential(2)}`,
    );
    assert.ok(worst <= TOLERANCE, `probabilities differ by up to ${worst}`);
    assert.ok(seen.size >= 4, 'the prompts must reach several labels, or the comparison says little');
  });
}
