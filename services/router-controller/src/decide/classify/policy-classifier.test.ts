/** Whether a classifier is ready is what it is now, not what it was at the start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { parseConfig } from '../../config/index.ts';
import { ClassifierError, type ModelClient } from './model-client.ts';
import { PolicyClassifier } from './policy-classifier.ts';

const { table, file } = parseConfig(
  `
targets: [{ name: t, api_base: http://t, model: m }]
policies:
  - { name: p, url: grpc://c:1/m, fallback: A, llms: [{ name: A, target: t }, { name: B, target: t }] }
`,
  't.yaml',
);

/** A classifier whose server can be taken away and brought back. */
async function classifier() {
  const server = { up: true, readings: 0 };
  const answer = <T>(value: T): Promise<T> =>
    server.up ? Promise.resolve(value) : Promise.reject(new ClassifierError('unavailable', 'no connection'));
  const connect = (): ModelClient => ({
    address: 'c:1',
    describe: () => {
      server.readings++;
      return answer({
        version: '1',
        labels: ['A', 'B'],
        size: 2,
        maxBatch: 8,
        hasTokenCount: false,
        tokenLimit: null,
        scoreNames: [],
      });
    },
    infer: (texts) =>
      answer({
        modelVersion: '1',
        answers: texts.map(() => ({ output: [1, 0], tokenCount: null, scores: null })),
      }),
    close: () => {},
  });
  const told: boolean[] = [];
  const made = new PolicyClassifier(table.policies.get('p')!, file.classifier, {
    connect,
    onStatus: ({ ready }) => told.push(ready),
  });
  await made.start(1_000);
  return { made, server, told, ask: () => made.classify('x', { deadlineMs: 1_000 }) };
}

test('a classifier that is gone is noticed without a request, once, and so is its return', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { made, server, told, ask } = await classifier();
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 500) {
      context.mock.timers.tick(500);
      for (let turn = 0; turn < 5; turn++) await setImmediate();
    }
  };
  assert.equal(made.status().ready, true);
  server.up = false;
  await pass(31_500);
  assert.deepEqual([made.status().ready, made.status().problem], [false, 'no connection']);
  await assert.rejects(ask(), { reason: 'unavailable' });
  // What it told of itself is still known, and the next call may find it back before a reading does.
  server.up = true;
  assert.equal((await ask()).label, 'A');
  await pass(1_000);
  assert.deepEqual([made.status().ready, made.status().problem], [true, null]);
  assert.deepEqual(told, [true, false, true]);
  made.close();
});

test('a single failed reading takes nobody out of service', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { made, server, told } = await classifier();
  const settle = async () => {
    for (let turn = 0; turn < 5; turn++) await setImmediate();
  };
  server.up = false;
  context.mock.timers.tick(30_000);
  await settle();
  assert.equal(server.readings, 2);
  server.up = true;
  context.mock.timers.tick(500);
  await settle();
  assert.equal(server.readings, 3);
  assert.deepEqual(told, [true]);
  made.close();
});
