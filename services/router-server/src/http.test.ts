import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { MODELS } from './fixture.ts';
import { type RouterServer, startRouterServer } from './index.ts';

let server: RouterServer;
before(async () => {
  server = await startRouterServer({ repository: MODELS, threads: 1, pollSeconds: 0 });
});
after(() => server.close());

const MODEL = '/v2/models/task_router_ensemble';
/** The same classifier with TOKEN_COUNT beside OUTPUT. */
const DETAILS = '/v2/models/task_router_details';
const PROMPT = 'Write a Python function that reverses a list';

async function call(path: string, body?: unknown, headers: Record<string, string> = {}) {
  const init = { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await fetch(`${server.http}${path}`, body === undefined ? {} : init);
  const text = await response.text();
  return {
    status: response.status,
    body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text,
  };
}
const input = (data: unknown, more: object = {}) => ({
  name: 'INPUT',
  datatype: 'BYTES',
  shape: [1, 1],
  data,
  ...more,
});
const ask = (data: unknown, more: object = {}, path = MODEL) =>
  call(`${path}/infer`, { inputs: [input(data)], ...more });
const refused = (answer: { status: number; body: { error?: string } }, status: number, words: RegExp) => {
  assert.match(answer.body.error ?? '', words);
  assert.equal(answer.status, status);
};

test('health, server and model tell of themselves', async () => {
  assert.equal((await call('/v2/health/live')).status, 200);
  assert.equal((await call('/v2/health/ready')).status, 200);
  const { body } = await call('/v2');
  assert.equal(body.name, 'llm-router-server');
  assert.ok(body.extensions.includes('classification'));
  const metadata = (await call(MODEL)).body;
  assert.deepEqual(metadata.inputs, [{ name: 'INPUT', datatype: 'BYTES', shape: [-1, 1] }]);
  assert.deepEqual(metadata.outputs[0], { name: 'OUTPUT', datatype: 'FP32', shape: [-1, 12] });
  assert.deepEqual((await call(`${MODEL}/versions/${metadata.versions[0]}`)).body, metadata);
  const config = (await call(`${MODEL}/config`)).body;
  assert.equal(config.parameters.max_tokens.string_value, '256');
  assert.equal(config.output[0].label_filename, 'labels.txt');
  assert.equal((await call(`${MODEL}/ready`)).status, 200);
  assert.equal((await call('/v2/models/nothing/ready')).status, 404);
});

test('the answer has every field that v1’s controller insists on', async () => {
  const { status, body } = await ask([[PROMPT]], { id: 'mine' });
  assert.equal(status, 200);
  assert.equal(body.model_name, 'task_router_ensemble');
  assert.match(body.model_version, /^\d+$/);
  assert.equal(body.id, 'mine');
  assert.deepEqual(body.parameters, { sequence_id: 0, sequence_start: false, sequence_end: false });
  const [output] = body.outputs;
  assert.deepEqual({ ...output, data: [] }, { name: 'OUTPUT', datatype: 'FP32', shape: [1, 12], data: [] });
  const sum = output.data.reduce((total: number, p: number) => total + p, 0);
  assert.ok(Math.abs(sum - 1) < 1e-3, `probabilities sum to ${sum}`);
});

test('flat and nested data are the same; a batch answers each row as if it came alone', async () => {
  const [nested] = (await ask([[PROMPT]])).body.outputs;
  assert.deepEqual((await ask([PROMPT])).body.outputs[0], nested);
  const prompts = [PROMPT, 'hi', '', 'Summarize this text: the cat sat on the mat.'];
  const batch = await call(`${MODEL}/infer`, { inputs: [input(prompts, { shape: [4, 1] })] });
  assert.deepEqual(batch.body.outputs[0].shape, [4, 12]);
  for (const [row, prompt] of prompts.entries()) {
    const alone: number[] = (await ask([prompt])).body.outputs[0].data;
    const own: number[] = batch.body.outputs[0].data.slice(row * 12, row * 12 + 12);
    // int8 activations are scaled by the whole batch, so its other rows move the numbers a little.
    for (const [i, p] of alone.entries())
      assert.ok(Math.abs(p - own[i]!) < 0.25, `${prompt}: ${p} and ${own[i]}`);
  }
});

test('classification: the best k as score:index:label, the chosen outputs only, in the order asked', async () => {
  const wish = [{ name: 'TOKEN_COUNT' }, { name: 'OUTPUT', parameters: { classification: 3 } }];
  const { body } = await ask([PROMPT], { outputs: wish }, DETAILS);
  assert.deepEqual(
    body.outputs.map((output: { name: string; shape: number[] }) => [output.name, output.shape]),
    [
      ['TOKEN_COUNT', [1, 1]],
      ['OUTPUT', [1, 3]],
    ],
  );
  const labels = server.repository.get('task_router_ensemble').labels.get('OUTPUT')!;
  const scores = body.outputs[1].data.map((row: string) => {
    const [, score, index, label] = /^(\d\.\d{6}):(\d+):(.+)$/.exec(row)!;
    assert.equal(label, labels[Number(index)]);
    return Number(score);
  });
  assert.deepEqual(
    scores,
    [...scores].sort((a, b) => b - a),
  );
  const all = await ask([PROMPT], { outputs: [{ name: 'OUTPUT', parameters: { classification: 99 } }] });
  assert.equal(all.body.outputs[0].data.length, 12);
  const ranked = { outputs: [{ name: 'TOKEN_COUNT', parameters: { classification: 1 } }] };
  const count = await ask(['hi'], ranked, DETAILS);
  assert.deepEqual(count.body.outputs[0].data, ['3:0']);
});

test('odd prompts are answered: empty, emoji, right to left, NUL, a lone surrogate, five megabytes', async () => {
  for (const text of ['', '😀', 'מה שלומך', 'a\0b', '\ud800', '\u202e\ufeff', 'word '.repeat(1_000_000)]) {
    const { status, body } = await ask([text]);
    assert.equal(status, 200, `${text.slice(0, 10)}: ${body.error}`);
    assert.ok(body.outputs[0].data.every(Number.isFinite));
  }
});

test('while a large batch computes, others are answered', async () => {
  let done = false;
  const prompts = Array(16).fill('many words '.repeat(400));
  const batch = call(`${MODEL}/infer`, { inputs: [input(prompts, { shape: [16, 1] })] }).then((answer) => {
    done = true;
    return answer;
  });
  let answers = 0;
  while (!done) {
    assert.equal((await call('/v2/health/live')).status, 200);
    answers++;
  }
  assert.equal((await batch).status, 200);
  assert.ok(answers > 5, `${answers} answers in the meantime`);
});

test('a client that goes while it waits is dropped, and takes no place in a batch', async () => {
  const countOf = async (model: string) =>
    (await call(`/v2/models/${model}/stats`)).body.model_stats[0].inference_count as number;
  const [tokenized, encoded] = [await countOf('prompt_tokenizer'), await countOf('prompt_encoder')];
  const long = input(Array(64).fill('many words '.repeat(400)), { shape: [64, 1] });
  const batch = call(`${MODEL}/infer`, { inputs: [long] });
  while ((await countOf('prompt_tokenizer')) < tokenized + 64)
    await new Promise((next) => setTimeout(next, 2));
  const controller = new AbortController();
  const body = JSON.stringify({ inputs: [input(['x'])] });
  const gone = fetch(`${server.http}${MODEL}/infer`, { method: 'POST', body, signal: controller.signal });
  while ((await countOf('prompt_tokenizer')) < tokenized + 65)
    await new Promise((next) => setTimeout(next, 2));
  controller.abort();
  await assert.rejects(gone, { name: 'AbortError' });
  assert.equal((await batch).status, 200);
  assert.equal((await ask(['after'])).status, 200);
  assert.equal((await countOf('prompt_encoder')) - encoded, 64 + 1);
});

test('what is wrong is refused with names and what would be right', async () => {
  const infer = (body: unknown) => call(`${MODEL}/infer`, body);
  refused(
    await call('/v2/models/nothing/infer', { inputs: [input(['x'])] }),
    404,
    /unknown model 'nothing'; loaded: .*task_router_ensemble/,
  );
  refused(
    await call(`${MODEL}/versions/77/infer`, { inputs: [input(['x'])] }),
    404,
    /has version \d+, not 77/,
  );
  refused(await infer({ inputs: [] }), 400, /input 'INPUT': missing; it must be BYTES of shape \[-1,1\]/);
  refused(await infer({ inputs: [input(['x'], { name: 'TEXT' })] }), 400, /no input 'TEXT'; it has: INPUT/);
  refused(await infer({ inputs: [input(['x']), input(['y'])] }), 400, /input 'INPUT': given twice/);
  refused(
    await infer({ inputs: [input([1], { datatype: 'FP32' })] }),
    400,
    /datatype is FP32, it must be BYTES/,
  );
  refused(
    await infer({ inputs: [input(['x'], { shape: [1] })] }),
    400,
    /shape is \[1\], it must be \[-1,1\]/,
  );
  refused(
    await infer({ inputs: [input(['x'], { shape: [1, 2] })] }),
    400,
    /shape is \[1,2\], it must be \[-1,1\]/,
  );
  refused(await infer({ inputs: [input(['x'], { shape: [0.5, 1] })] }), 400, /shape is \[0\.5,1\]/);
  refused(await infer({ inputs: [input(['x', 'y'])] }), 400, /holds 2 elements, shape \[1,1\] wants 1/);
  refused(
    await infer({ inputs: [input(Array(65).fill('x'), { shape: [65, 1] })] }),
    400,
    /batch of 65; it may be 1 to 64/,
  );
  refused(await infer({ inputs: [input([5])] }), 400, /BYTES data must be strings, got number/);
  refused(await infer({ inputs: [input('x')] }), 400, /data must be an array/);
  refused(await infer({ inputs: [null] }), 400, /inputs\[0\] must have name, datatype, shape and data/);
  refused(await infer({}), 400, /'inputs' must be an array of tensors/);
  refused(
    await infer({ inputs: [input(['x'])], outputs: [{ name: 'LOGITS' }] }),
    400,
    /no output 'LOGITS'; it has: OUTPUT$/,
  );
  refused(
    await infer({
      inputs: [input(['x'])],
      outputs: [{ name: 'OUTPUT', parameters: { classification: 'all' } }],
    }),
    400,
    /classification must be the number of classes/,
  );
  refused(await infer('{"inputs": '), 400, /the body is not JSON/);
  refused(await infer('[]'), 400, /the body must be a JSON object/);
  refused(
    await infer('{"inputs": [{"name": "INPUT", "datatype": "INT64", "shape": [1,1], "data": [1e400]}]}'),
    400,
    /INT64 data must be whole numbers/,
  );
  refused(await infer({ inputs: [input(['x'], { name: 'x'.repeat(100_000) })] }), 400, /^.{0,1100}$/s);
  refused(await call('/v2/models/%E0%A4%A'), 400, /not percent-encoded/);
  refused(await call('/nowhere'), 404, /no such path: GET \/nowhere/);
});

test('inputs of one request must agree on their batch', async () => {
  const tensor = (name: string, rows: number) => ({
    name,
    datatype: 'INT64',
    shape: [rows, 4],
    data: Array(rows * 4).fill(1),
  });
  const answer = await call('/v2/models/prompt_encoder/infer', {
    inputs: [tensor('INPUT_IDS', 1), tensor('ATTENTION_MASK', 2)],
  });
  refused(answer, 400, /one batch size, got INPUT_IDS 1, ATTENTION_MASK 2/);
});

test('the binary data extension and compressed bodies are refused, not misread', async () => {
  const body = { inputs: [input(['x'])] };
  refused(
    await call(`${MODEL}/infer`, body, { 'inference-header-content-length': '10' }),
    501,
    /binary tensor data/,
  );
  refused(
    await call(`${MODEL}/infer`, { ...body, parameters: { binary_data_output: true } }),
    501,
    /binary tensor data/,
  );
  refused(
    await ask(['x'], { outputs: [{ name: 'OUTPUT', parameters: { binary_data: true } }] }),
    501,
    /binary tensor data/,
  );
  refused(await call(`${MODEL}/infer`, body, { 'content-encoding': 'gzip' }), 501, /content-encoding gzip/);
});

test('a body over the limit gets its answer', async () => {
  const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const call = request(`${server.http}${MODEL}/infer`, { method: 'POST' }, (response) => {
      let text = '';
      response
        .on('data', (part) => (text += part))
        .on('end', () => resolve({ status: response.statusCode!, text }));
    });
    call.on('error', reject);
    const part = Buffer.alloc(1024 * 1024, 0x20);
    let left = 66;
    const write = () => {
      while (left-- > 0) if (!call.write(part)) return void call.once('drain', write);
      call.end();
    };
    write();
  });
  assert.equal(answer.status, 413);
  assert.match(answer.text, /larger than 67108864 bytes/);
});

test('the index, statistics and metrics tell what was done', async () => {
  const index = (await call('/v2/repository/index', '')).body;
  assert.ok(
    index.some(
      (row: { name: string; state: string }) => row.name === 'prompt_encoder' && row.state === 'READY',
    ),
  );
  assert.ok(
    (await call('/v2/repository/index', { ready: true })).body.every(
      (row: { state: string }) => row.state === 'READY',
    ),
  );
  const stats = async () => (await call(`${MODEL}/stats`)).body.model_stats[0];
  const earlier = await stats();
  await ask(['x']);
  await call(`${MODEL}/infer`, { inputs: [input(['x', 'y'], { shape: [2, 1] })] });
  const later = await stats();
  assert.equal(later.inference_count - earlier.inference_count, 3);
  assert.equal(later.inference_stats.success.count - earlier.inference_stats.success.count, 2);
  assert.ok(later.inference_stats.success.ns > earlier.inference_stats.success.ns);
  assert.ok(later.last_inference >= Date.now() - 60_000);
  const { body } = await call('/metrics');
  for (const name of [
    'nv_inference_request_success',
    'nv_inference_request_failure',
    'nv_inference_count',
    'nv_inference_exec_count',
    'nv_inference_request_duration_us',
    'nv_inference_queue_duration_us',
    'nv_inference_compute_infer_duration_us',
  ])
    assert.match(body, new RegExp(`^${name}\\{model="[a-z_]+",version="\\d+"\\} \\d`, 'm'));
});
