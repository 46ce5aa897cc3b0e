/** Start-up tells when labels and policy disagree, and how classifiers of other shapes are read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server } from '@grpc/grpc-js';
import { encodeNumbers, kserveService } from '@llm-router/protos';
import { startRouterServer } from '@llm-router/router-server';
import { listen } from '../src/decide/classify/testing.ts';
import { chat, eventually, MODELS, startClassifier, startWhole, user, V1_CONFIG } from './harness.ts';

test('a mismatch of labels and entries stops the start and names both sides', async (t) => {
  const server = await startClassifier();
  t.after(() => server.close());
  const config = V1_CONFIG.replace('name: Rewrite', 'name: Rewriting').replace(
    'name: Constraint',
    'name: Constraints',
  );
  await assert.rejects(startWhole({ config, classifierUrl: `grpc://${server.grpc}` }), (error: Error) => {
    assert.equal(error.name, 'LabelMismatch');
    assert.match(
      error.message,
      /entries that are no label of the model: 'Rewriting' Did you mean 'Rewrite'\?\n/,
    );
    assert.match(error.message, /labels of the model without an entry: 'Constraint'\n/);
    return true;
  });
});

test('the order of entries does not matter: labels are matched by name', async (t) => {
  const server = await startClassifier();
  t.after(() => server.close());
  const blocks = V1_CONFIG.split(/(?= {6}- name: )/);
  const head = blocks[0]!;
  const task = blocks.slice(1, 13);
  const rest = blocks.slice(13).join('');
  // The last task entry carries the next policy's heading behind it.
  const [lastEntry, heading] = task[11]!.split(/(?= {2}- name: "complexity)/);
  const config = head + [lastEntry!, ...task.slice(0, 11)].reverse().join('') + heading + rest;
  const whole = await startWhole({ config, classifierUrl: `grpc://${server.grpc}` });
  t.after(() => whole.stop());
  const response = await chat(whole.url, {
    model: 'task_router',
    messages: user('Write a Python function that reverses a list'),
  });
  assert.equal(response.headers.get('x-chosen-classifier'), 'Code Generation');
  assert.equal(response.headers.get('x-llm-router-model'), 'deepseek-ai/deepseek-r1');
});

/** NVIDIA's own ensembles: shape [N] or [1,N], one-hot, raw or typed, no label files, no batching. */
async function oneHotServer(
  shape: (n: number) => number[],
  typed: boolean,
): Promise<{ address: string; stop: () => void }> {
  const sizes: Record<string, number> = { task_router_ensemble: 12, complexity_router_ensemble: 7 };
  const server = new Server();
  server.addService(kserveService, {
    ModelMetadata: (call: { request: { name: string } }, done: (e: null, r: object) => void) =>
      done(null, {
        name: call.request.name,
        versions: ['1'],
        inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [1, 1] }],
        outputs: [{ name: 'OUTPUT', datatype: 'FP32', shape: shape(sizes[call.request.name]!) }],
      }),
    ModelInfer: (
      call: { request: { model_name: string; outputs?: { parameters?: { classification?: unknown } }[] } },
      done: (e: object | null, r?: object) => void,
    ) => {
      const { model_name, outputs } = call.request;
      if (outputs?.[0]?.parameters?.classification)
        return done({ code: 3, details: 'classification is not supported' });
      const n = sizes[model_name]!;
      const values = Array.from({ length: n }, (_, i) => Number(i === 3));
      done(null, {
        model_name,
        model_version: '1',
        outputs: [
          {
            name: 'OUTPUT',
            datatype: 'FP32',
            shape: shape(n),
            ...(typed && { contents: { fp32_contents: values } }),
          },
        ],
        raw_output_contents: typed ? [] : [encodeNumbers('FP32', values)],
      });
    },
  });
  const port = await listen(server);
  return { address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() };
}

for (const [name, shape, typed] of [
  ['[N], raw', (n: number) => [n], false],
  ['[1,N], raw', (n: number) => [1, n], false],
  ['[N], typed', (n: number) => [n], true],
  ['[1,N], typed', (n: number) => [1, n], true],
] as const) {
  test(`a model without labels is read by position, one-hot of shape ${name}`, async (t) => {
    const server = await oneHotServer(shape, typed);
    t.after(() => server.stop());
    const whole = await startWhole({ config: V1_CONFIG, classifierUrl: `grpc://${server.address}` });
    t.after(() => whole.stop());
    assert.equal(whole.router.decider.status().task_router!.positional, true);
    const task = await chat(whole.url, { model: 'task_router', messages: user('anything') });
    assert.equal(task.headers.get('x-chosen-classifier'), 'Closed QA');
    assert.equal(task.headers.get('x-llm-router-confidence'), '1.0000');
    const complexity = await chat(whole.url, { model: 'complexity_router', messages: user('anything') });
    assert.equal(complexity.headers.get('x-chosen-classifier'), 'Few-Shot');
  });
}

test('a classifier that comes up last: start goes on, 503 until then, then it serves', async (t) => {
  const config = `classifier: { startup_wait_ms: 100, deadline_ms: 5000 }\n${V1_CONFIG}`;
  const probe = await startClassifier();
  const address = probe.grpc;
  await probe.close();
  const whole = await startWhole({ config, classifierUrl: `grpc://${address}` });
  t.after(() => whole.stop());
  const early = await chat(whole.url, { model: 'task_router', messages: user('Write a Python function') });
  assert.equal(early.status, 503);
  assert.equal((await fetch(`${whole.url}/readyz`)).status, 503);
  const server = await startRouterServer({
    repository: MODELS,
    pollSeconds: 0,
    grpcPort: Number(address.split(':')[1]),
  });
  t.after(() => server.close());
  await eventually('the router is ready', async () => (await fetch(`${whole.url}/readyz`)).status === 200);
  const later = await chat(whole.url, { model: 'task_router', messages: user('Write a Python function') });
  assert.equal(later.headers.get('x-chosen-classifier'), 'Code Generation');
});
