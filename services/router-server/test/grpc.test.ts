import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ServiceError, status } from '@grpc/grpc-js';
import {
  createKServeClient,
  encodeBytes,
  encodeNumbers,
  type KServeClient,
  type ModelInferRequest,
  readOutput,
} from '@llm-router/protos';
import { copyRepository, type RepositoryCopy } from '../src/fixture.ts';
import { type RouterServer, startRouterServer } from '../src/index.ts';

let copy: RepositoryCopy;
let server: RouterServer;
let client: KServeClient;
before(async () => {
  copy = await copyRepository();
  server = await startRouterServer({ repository: copy.folder, threads: 1, pollSeconds: 0 });
  client = createKServeClient(server.grpc);
});
after(async () => {
  client.close();
  await server.close();
  await copy.remove();
});

type Method = Exclude<keyof KServeClient, 'close' | 'ModelStreamInfer'>;
type Reply<M extends Method> = Parameters<Parameters<KServeClient[M]>[2]>[1];
type Invoke = (
  request: object,
  options: object,
  done: (error: ServiceError | null, reply: unknown) => void,
) => unknown;

function call<M extends Method>(method: M, request: object, deadlineMs = 60_000): Promise<Reply<M>> {
  const invoke = (client[method] as unknown as Invoke).bind(client);
  return new Promise((resolve, reject) => {
    invoke(request, { deadline: Date.now() + deadlineMs }, (error, reply) =>
      error ? reject(error) : resolve(reply as Reply<M>),
    );
  });
}

const MODEL = 'task_router_ensemble';
const PROMPT = 'Write a Python function that reverses a list';
const raw = (texts: readonly string[], more: Partial<ModelInferRequest> = {}): ModelInferRequest => ({
  model_name: MODEL,
  inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [texts.length, 1] }],
  raw_input_contents: [encodeBytes(texts)],
  ...more,
});
async function refused(request: ModelInferRequest, code: number, words: RegExp): Promise<void> {
  await assert.rejects(call('ModelInfer', request), (error: ServiceError) => {
    assert.match(error.details, words);
    assert.equal(error.code, code);
    return true;
  });
}

test('server and models tell of themselves', async () => {
  assert.equal((await call('ServerLive', {})).live, true);
  assert.equal((await call('ServerReady', {})).ready, true);
  assert.equal((await call('ServerMetadata', {})).name, 'llm-router-server');
  assert.equal((await call('ModelReady', { name: MODEL })).ready, true);
  assert.equal((await call('ModelReady', { name: 'nothing' })).ready, false);
  const metadata = await call('ModelMetadata', { name: MODEL });
  assert.deepEqual(metadata.inputs, [{ name: 'INPUT', datatype: 'BYTES', shape: [-1, 1] }]);
  assert.deepEqual(metadata.outputs[0], { name: 'OUTPUT', datatype: 'FP32', shape: [-1, 12] });
  const { config } = await call('ModelConfig', { name: MODEL });
  assert.equal(config.max_batch_size, 64);
  assert.equal(config.input[0]!.data_type, 'TYPE_STRING');
  assert.equal(config.output[0]!.label_filename, 'labels.txt');
  assert.equal(config.parameters.max_tokens!.string_value, '256');
});

test('raw and typed inputs give the same answer, in raw contents, with the id', async () => {
  const first = await call('ModelInfer', raw([PROMPT], { id: 'mine' }));
  assert.equal(first.id, 'mine');
  assert.equal(first.model_name, MODEL);
  const output = readOutput(first, 'OUTPUT')!;
  assert.deepEqual(output.tensor.shape, [1, 12]);
  assert.ok(Math.abs(output.numbers.reduce((sum, p) => sum + p, 0) - 1) < 1e-3);
  const bytes_contents = [Buffer.from(PROMPT)];
  const typed = await call('ModelInfer', {
    model_name: MODEL,
    inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [1, 1], contents: { bytes_contents } }],
  });
  assert.deepEqual(readOutput(typed, 'OUTPUT')!.numbers, output.numbers);
});

test('INT64 and FP32 tensors come raw and typed to the models inside', async () => {
  const ids = [101, 2023, 2003, 102];
  const inputs = ['INPUT_IDS', 'ATTENTION_MASK'].map((name) => ({ name, datatype: 'INT64', shape: [1, 4] }));
  const values = [ids, [1, 1, 1, 1]];
  const fromRaw = await call('ModelInfer', {
    model_name: 'prompt_encoder',
    inputs,
    raw_input_contents: values.map((value) => encodeNumbers('INT64', value)),
  });
  const fromTyped = await call('ModelInfer', {
    model_name: 'prompt_encoder',
    inputs: inputs.map((tensor, i) => ({ ...tensor, contents: { int64_contents: values[i] } })),
  });
  const embedding = readOutput(fromRaw, 'EMBEDDING')!;
  assert.deepEqual(readOutput(fromTyped, 'EMBEDDING')!.numbers, embedding.numbers);
  const head = await call('ModelInfer', {
    model_name: 'task_router_head',
    inputs: [
      {
        name: 'EMBEDDING',
        datatype: 'FP32',
        shape: embedding.tensor.shape,
        contents: { fp32_contents: embedding.numbers },
      },
    ],
  });
  assert.equal(readOutput(head, 'OUTPUT')!.numbers.length, 12);
  const tokens = await call('ModelInfer', { ...raw([PROMPT]), model_name: 'prompt_tokenizer' });
  assert.equal(readOutput(tokens, 'INPUT_IDS')!.numbers[0], 0);
});

test('classification tells labels by index', async () => {
  const outputs = [{ name: 'OUTPUT', parameters: { classification: { int64_param: 12 } } }];
  const answer = await call('ModelInfer', raw([PROMPT, 'hello'], { outputs }));
  const output = readOutput(answer, 'OUTPUT')!;
  assert.equal(output.tensor.datatype, 'BYTES');
  assert.deepEqual(output.tensor.shape, [2, 12]);
  const labels = server.repository.get(MODEL).labels.get('OUTPUT')!;
  for (const row of output.bytes) {
    const [, index, label] = row.toString().split(':');
    assert.equal(label, labels[Number(index)]);
  }
});

test('many at once share runs of the encoder, and each gets its own answer', async () => {
  const prompts = Array.from({ length: 40 }, (_, i) => `Question number ${i}: what is ${i} plus ${i}?`);
  const stats = async () => (await call('ModelStatistics', { name: 'prompt_encoder' })).model_stats[0]!;
  const earlier = await stats();
  const answers = await Promise.all(
    prompts.map((prompt) => call('ModelInfer', raw([prompt], { id: prompt }))),
  );
  assert.deepEqual(
    answers.map((answer) => answer.id),
    prompts,
  );
  const later = await stats();
  const rows = later.inference_count - earlier.inference_count;
  const runs = later.execution_count - earlier.execution_count;
  assert.equal(rows, 40);
  assert.ok(runs < 40, `${runs} runs for ${rows} rows`);
});

test('what is wrong comes back with its code and names', async () => {
  await refused(raw(['x'], { model_name: 'nothing' }), status.NOT_FOUND, /unknown model 'nothing'; loaded: /);
  await refused(raw(['x'], { model_version: '9' }), status.NOT_FOUND, /has version \d+, not 9/);
  await refused(
    raw(['x'], { outputs: [{ name: 'Y' }] }),
    status.INVALID_ARGUMENT,
    /no output 'Y'; it has: OUTPUT$/,
  );
  await refused(
    raw(['x'], { raw_input_contents: [Buffer.from([9, 0, 0, 0, 65])] }),
    status.INVALID_ARGUMENT,
    /input 'INPUT': BYTES element at byte 0 reaches to 13/,
  );
  await refused(
    raw(['x'], { raw_input_contents: [encodeBytes(['x']), encodeBytes(['y'])] }),
    status.INVALID_ARGUMENT,
    /2 raw_input_contents for 1 inputs/,
  );
  await refused(
    raw(['x'], { raw_input_contents: [] }),
    status.INVALID_ARGUMENT,
    /holds 0 elements, shape \[1,1\] wants 1/,
  );
  await refused(
    { ...raw(['x']), inputs: [{ name: 'INPUT', datatype: 'BF16', shape: [1, 1] }] },
    status.INVALID_ARGUMENT,
    /BF16/,
  );
  await refused(
    { ...raw(['x']), inputs: [{ name: 'é'.repeat(50_000), datatype: 'BYTES', shape: [1, 1] }] },
    status.INVALID_ARGUMENT,
    /has no input 'éé.* …$/s,
  );
});

test('a message that would be much larger decoded than on the wire is refused', async () => {
  const empty = Array(600_000).fill(Buffer.alloc(0));
  const contents = (more: object) => ({
    model_name: MODEL,
    inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [1, 1], contents: more }],
  });
  const zeros = Array(600_000).fill(0);
  const many: ModelInferRequest[] = [
    contents({ bytes_contents: empty }),
    contents({ fp32_contents: zeros }),
    contents({ int64_contents: zeros }),
    { ...raw(['x']), outputs: Array(600_000).fill({ name: '' }) },
    { ...raw(['x']), raw_input_contents: empty },
  ];
  for (const request of many)
    await refused(request, status.RESOURCE_EXHAUSTED, /more than 500000 fields and values/);
  await refused(
    raw(['x'], { raw_input_contents: [Buffer.alloc(4_000_000)] }),
    status.INVALID_ARGUMENT,
    /more than 1 elements/,
  );
  // Megabytes of text are no such thing.
  assert.equal((await call('ModelInfer', raw(['word '.repeat(1_000_000)]))).outputs.length, 1);
});

test('a deadline that passes is told as such, and a cancelled call leaves the server serving', async () => {
  const long = raw(Array(8).fill('many words '.repeat(400)));
  await assert.rejects(
    call('ModelInfer', long, 15),
    (error: ServiceError) => error.code === status.DEADLINE_EXCEEDED,
  );
  const cancelled = Promise.withResolvers<ServiceError | null>();
  client.ModelInfer(long, { deadline: Date.now() + 60_000 }, (error) => cancelled.resolve(error)).cancel();
  assert.equal((await cancelled.promise)?.code, status.CANCELLED);
  assert.equal((await call('ModelInfer', raw([PROMPT]))).outputs.length, 1);
});

test('a cancelled request that waits for its batch is dropped', async () => {
  const countOf = async (name: string) =>
    (await call('ModelStatistics', { name })).model_stats[0]!.inference_count;
  const [tokenized, encoded] = [await countOf('prompt_tokenizer'), await countOf('prompt_encoder')];
  const rows = 16;
  const first = call('ModelInfer', raw(Array(rows).fill('many words '.repeat(400))));
  // Once it is tokenized the encoder is at work, and whatever comes now waits behind it.
  while ((await countOf('prompt_tokenizer')) < tokenized + rows)
    await new Promise((next) => setTimeout(next, 2));
  const waiting = Array.from({ length: 5 }, () => {
    const gone = Promise.withResolvers<ServiceError | null>();
    const done = (error: ServiceError | null) => gone.resolve(error);
    return { call: client.ModelInfer(raw([PROMPT]), { deadline: Date.now() + 60_000 }, done), gone };
  });
  while ((await countOf('prompt_tokenizer')) < tokenized + rows + 5)
    await new Promise((next) => setTimeout(next, 2));
  for (const { call } of waiting) call.cancel();
  for (const { gone } of waiting) assert.equal((await gone.promise)?.code, status.CANCELLED);
  await first;
  await call('ModelInfer', raw(['after']));
  assert.equal((await countOf('prompt_encoder')) - encoded, rows + 1);
});

test('the repository API is refused to those who are not named', async () => {
  const other = await startRouterServer({
    repository: copy.folder,
    threads: 1,
    pollSeconds: 0,
    manageFrom: [],
  });
  const caller = createKServeClient(other.grpc);
  const mine = client;
  client = caller;
  try {
    for (const method of ['RepositoryModelUnload', 'RepositoryModelLoad'] as const)
      await assert.rejects(call(method, { model_name: 'task_router_head' }), (error: ServiceError) => {
        assert.equal(error.code, status.PERMISSION_DENIED);
        return true;
      });
    assert.equal((await call('ModelReady', { name: 'task_router_head' })).ready, true);
  } finally {
    client = mine;
    caller.close();
    await other.close();
  }
});

test('the repository API unloads, loads and lists', async () => {
  await call('RepositoryModelUnload', { model_name: 'task_router_head' });
  await refused(
    raw(['x']),
    status.UNAVAILABLE,
    /'task_router_ensemble' is not ready: .*'task_router_head' is not loaded/,
  );
  const { models } = await call('RepositoryIndex', {});
  assert.deepEqual(
    models.find((row) => row.name === 'task_router_head'),
    {
      name: 'task_router_head',
      version: '',
      state: 'UNAVAILABLE',
      reason: 'unloaded',
    },
  );
  await call('RepositoryModelLoad', { model_name: MODEL });
  assert.equal((await call('ModelInfer', raw([PROMPT]))).outputs.length, 1);
  assert.equal((await call('RepositoryIndex', { ready: true })).models.length, 4);
  await assert.rejects(call('RepositoryModelLoad', { model_name: 'nothing' }), /unknown model 'nothing'/);
});
