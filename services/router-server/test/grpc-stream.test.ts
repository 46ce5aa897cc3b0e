/** Inferences by one open call. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ClientDuplexStream, type ServiceError, status } from '@grpc/grpc-js';
import {
  createKServeClient,
  encodeBytes,
  type KServeClient,
  type ModelInferRequest,
  type ModelStreamInferResponse,
  readOutput,
} from '@llm-router/protos';
import { MODELS } from '../src/fixture.ts';
import { type RouterServer, startRouterServer } from '../src/index.ts';

let server: RouterServer;
let client: KServeClient;
before(async () => {
  server = await startRouterServer({ repository: MODELS, threads: 1, pollSeconds: 0 });
  client = createKServeClient(server.grpc);
});
after(async () => {
  client.close();
  await server.close();
});

type Stream = ClientDuplexStream<ModelInferRequest, ModelStreamInferResponse>;

const PROMPT = 'Write a Python function that reverses a list';
const request = (id: string, more: Partial<ModelInferRequest> = {}): ModelInferRequest => ({
  model_name: 'task_router_ensemble',
  id,
  inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [1, 1] }],
  raw_input_contents: [encodeBytes([PROMPT])],
  ...more,
});

/** The next answers of a stream, in the order in which they come. */
function answers(stream: Stream, count: number): Promise<ModelStreamInferResponse[]> {
  return new Promise((resolve, reject) => {
    const come: ModelStreamInferResponse[] = [];
    stream.on('data', (answer: ModelStreamInferResponse) => {
      come.push(answer);
      if (come.length === count) resolve(come);
    });
    stream.on('error', reject);
    stream.on('end', () => reject(new Error(`ended after ${come.length} of ${count} answers`)));
  });
}
const ended = (stream: Stream) =>
  new Promise<number>((resolve) => stream.on('status', ({ code }) => resolve(code)));
const end = (stream: Stream) => {
  const over = ended(stream);
  stream.end();
  return over;
};
const unary = (asked: ModelInferRequest) =>
  new Promise<readonly number[]>((resolve, reject) => {
    client.ModelInfer(asked, { deadline: Date.now() + 60_000 }, (error, answer) =>
      error ? reject(error) : resolve(readOutput(answer, 'OUTPUT')!.numbers),
    );
  });

test('many requests go over one stream, each answered as a call of its own would, with its id', async () => {
  const stream = client.ModelStreamInfer();
  const ids = Array.from({ length: 200 }, (_, at) => `r${at}`);
  const all = answers(stream, ids.length);
  for (const id of ids) stream.write(request(id));
  const come = await all;
  assert.equal(await end(stream), status.OK);
  assert.deepEqual(
    come.map(({ infer_response }) => infer_response!.id).sort(),
    ids.toSorted(),
    'every request is answered once',
  );
  const expected = await unary(request(''));
  for (const { error_message, infer_response } of come) {
    assert.equal(error_message, '');
    const { numbers } = readOutput(infer_response!, 'OUTPUT')!;
    assert.equal(numbers.length, expected.length);
    // Batches of other sizes round in other places.
    for (const [at, value] of numbers.entries()) assert.ok(Math.abs(value - expected[at]!) < 1e-4);
  }
});

test('what is wrong with one request is told with its id, and the stream goes on', async () => {
  const stream = client.ModelStreamInfer();
  const all = answers(stream, 3);
  stream.write(request('bad', { model_name: 'nothing' }));
  stream.write(request('worse', { raw_input_contents: [Buffer.from('abc')] }));
  stream.write(request('good'));
  const come = new Map((await all).map((answer) => [answer.infer_response!.id, answer]));
  assert.equal(await end(stream), status.OK);
  assert.match(come.get('bad')!.error_message, /nothing/);
  assert.match(come.get('worse')!.error_message, /INPUT/);
  assert.equal(come.get('good')!.error_message, '');
});

test('a client that leaves while it is owed answers harms nobody', async () => {
  const other = createKServeClient(server.grpc, { 'grpc.use_local_subchannel_pool': 1 });
  const stream = other.ModelStreamInfer();
  const failed = new Promise<ServiceError>((resolve) => stream.on('error', resolve));
  stream.on('data', () => {});
  for (let at = 0; at < 50; at++) stream.write(request(`r${at}`));
  stream.cancel();
  assert.equal((await failed).code, status.CANCELLED);
  other.close();
  assert.equal((await unary(request(''))).length, 12);
});

test('a message out of all proportion is refused before it is decoded, on a stream as on a call', async () => {
  const stream = client.ModelStreamInfer();
  const all = answers(stream, 1);
  const bool_contents = new Array(3_000_000).fill(true);
  stream.write(
    request('', {
      inputs: [{ name: 'INPUT', datatype: 'BOOL', shape: [1], contents: { bool_contents } }],
      raw_input_contents: [],
    }),
  );
  const [answer] = await all;
  assert.equal(await end(stream), status.OK);
  assert.match(answer!.error_message, /more than \d+ fields and values/);
});

test('a server that stops answers what it owes, ends idle streams, and does not wait for their clients', async () => {
  const other = await startRouterServer({ repository: MODELS, threads: 1, pollSeconds: 0 });
  const its = createKServeClient(other.grpc);
  try {
    const idle = its.ModelStreamInfer();
    const first = answers(idle, 1);
    idle.write(request('first'));
    await first;
    const busy = its.ModelStreamInfer();
    const owed = answers(busy, 20);
    for (let at = 0; at < 20; at++) busy.write(request(`r${at}`));
    await new Promise((resolve) => busy.once('data', resolve));
    const statuses = [ended(idle), ended(busy)];
    await other.close();
    assert.equal((await owed).length, 20);
    assert.deepEqual(await Promise.all(statuses), [status.OK, status.OK]);
  } finally {
    its.close();
    await other.close();
  }
});
