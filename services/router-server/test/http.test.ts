import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { decodeBytes, decodeNumbers, encodeBytes } from '@llm-router/protos';
import { MODELS } from '../src/fixture.ts';
import { type RouterServer, startRouterServer } from '../src/index.ts';

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
  const prompts = Array(8).fill('many words '.repeat(400));
  const batch = call(`${MODEL}/infer`, { inputs: [input(prompts, { shape: [8, 1] })] }).then((answer) => {
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
  const rows = 16;
  const long = input(Array(rows).fill('many words '.repeat(400)), { shape: [rows, 1] });
  const batch = call(`${MODEL}/infer`, { inputs: [long] });
  while ((await countOf('prompt_tokenizer')) < tokenized + rows)
    await new Promise((next) => setTimeout(next, 2));
  const controller = new AbortController();
  const body = JSON.stringify({ inputs: [input(['x'])] });
  const gone = fetch(`${server.http}${MODEL}/infer`, { method: 'POST', body, signal: controller.signal });
  while ((await countOf('prompt_tokenizer')) < tokenized + rows + 1)
    await new Promise((next) => setTimeout(next, 2));
  controller.abort();
  await assert.rejects(gone, { name: 'AbortError' });
  assert.equal((await batch).status, 200);
  assert.equal((await ask(['after'])).status, 200);
  assert.equal((await countOf('prompt_encoder')) - encoded, rows + 1);
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

test('the encoder gives the outputs that are asked for, whatever those beside it in the batch ask for', async () => {
  const tokens = (length: number) => {
    const tensor = (name: string, data: number[]) => ({ name, datatype: 'INT64', shape: [1, 8], data });
    const ids = Array.from({ length: 8 }, (_, at) => (at < length ? 100 + at : 0));
    const mask = Array.from({ length: 8 }, (_, at) => Number(at < length));
    return [tensor('INPUT_IDS', ids), tensor('ATTENTION_MASK', mask)];
  };
  const encode = async (length: number, names: readonly string[]) => {
    const outputs = names.map((name) => ({ name }));
    const { body } = await call('/v2/models/prompt_encoder/infer', { inputs: tokens(length), outputs });
    return body.outputs as { name: string; shape: number[]; data: number[] }[];
  };
  const wishes = [['EMBEDDING'], ['HIDDEN_STATES'], ['HIDDEN_STATES', 'EMBEDDING']];
  const alone = await Promise.all(wishes.map((names) => encode(5, names)));
  assert.deepEqual(
    alone.map((outputs) => outputs.map(({ name, shape }) => `${name} ${shape}`)),
    [['EMBEDDING 1,768'], ['HIDDEN_STATES 1,8,384'], ['HIDDEN_STATES 1,8,384', 'EMBEDDING 1,768']],
  );
  assert.deepEqual(alone[2], [alone[1]![0], alone[0]![0]]);
  const crowd = await Promise.all(
    Array.from({ length: 12 }, (_, at) => encode(at % 2 === 0 ? 5 : 8, wishes[at % 3]!)),
  );
  for (const at of [0, 2, 4, 6, 8, 10]) assert.deepEqual(crowd[at], alone[at % 3]);
});

/** What Triton's client sends: a JSON head, the tensors' bytes behind it. */
async function binary(
  head: object,
  data: Buffer,
  more: { length?: string; headers?: object; pack?: typeof gzipSync } = {},
) {
  const json = Buffer.from(JSON.stringify(head));
  const whole = Buffer.concat([json, data]);
  const response = await fetch(`${server.http}${MODEL}/infer`, {
    method: 'POST',
    headers: { 'inference-header-content-length': more.length ?? String(json.length), ...more.headers },
    body: more.pack ? more.pack(whole) : whole,
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const length = Number(response.headers.get('inference-header-content-length') ?? bytes.length);
  const body = JSON.parse(bytes.subarray(0, length).toString());
  return {
    status: response.status,
    body,
    behind: bytes.subarray(length),
    type: response.headers.get('content-type'),
  };
}
const headOf = (size: unknown, more: object = {}) => ({
  inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [1, 1], parameters: { binary_data_size: size } }],
  ...more,
});

test('binary data in and out is the same as JSON, whole or by output', async () => {
  const raw = encodeBytes([PROMPT]);
  const json = (await ask([PROMPT])).body.outputs[0].data as number[];
  const all = await binary(headOf(raw.length, { parameters: { binary_data_output: true } }), raw);
  assert.equal(all.status, 200);
  assert.equal(all.type, 'application/octet-stream');
  assert.deepEqual(all.body.outputs, [
    { name: 'OUTPUT', datatype: 'FP32', shape: [1, 12], parameters: { binary_data_size: 48 } },
  ]);
  assert.deepEqual(decodeNumbers('FP32', all.behind), json);
  const mixed = await binary(
    headOf(raw.length, {
      outputs: [{ name: 'OUTPUT', parameters: { classification: 2, binary_data: true } }],
    }),
    raw,
  );
  assert.match(decodeBytes(mixed.behind)[0]!.toString(), /^0\.\d+:\d+:Code Generation$/);
  // Asked for as JSON, though the rest goes as bytes.
  const own = {
    outputs: [{ name: 'OUTPUT', parameters: { binary_data: false } }],
    parameters: { binary_data_output: true },
  };
  const plain = await binary(headOf(raw.length, own), raw);
  assert.deepEqual(plain.body.outputs[0].data, json);
  assert.equal(plain.behind.length, 0);
  assert.equal(plain.type, 'application/json');
});

test('bodies may be packed, and are bounded as unpacked', async () => {
  const raw = encodeBytes([PROMPT]);
  for (const [encoding, pack] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const)
    assert.equal(
      (await binary(headOf(raw.length), raw, { pack, headers: { 'content-encoding': encoding } })).status,
      200,
    );
  const send = (body: Buffer, encoding: string) =>
    fetch(`${server.http}${MODEL}/infer`, {
      method: 'POST',
      headers: { 'content-encoding': encoding },
      body,
    });
  const bomb = await send(gzipSync(Buffer.alloc(80 * 1024 * 1024, 0x20)), 'gzip');
  assert.equal(bomb.status, 413);
  assert.match(await bomb.text(), /larger than 67108864 bytes/);
  const broken = await send(Buffer.from('not gzip'), 'gzip');
  assert.equal(broken.status, 400);
  assert.match(await broken.text(), /can’t be unpacked/);
  const other = await send(Buffer.from('{}'), 'br');
  assert.equal(other.status, 501);
  assert.match(await other.text(), /content-encoding br .* gzip, deflate/);
});

test('binary data that does not fit its head is told where', async () => {
  const raw = encodeBytes([PROMPT]);
  const cases: [object, Buffer, string | undefined, RegExp][] = [
    [headOf(raw.length + 1), raw, undefined, /binary_data_size is \d+, but \d+ bytes are left/],
    [headOf(-1), raw, undefined, /binary_data_size is -1/],
    [headOf('48'), raw, undefined, /binary_data_size is "48"/],
    [headOf(raw.length), Buffer.concat([raw, raw]), undefined, /belong to no input/],
    [headOf(raw.length), raw, '9999999', /must be the JSON's length/],
    [headOf(raw.length), raw, 'x', /must be the JSON's length/],
    [headOf(raw.length), raw, '10', /not JSON/],
    [headOf(5), Buffer.from([9, 0, 0, 0, 65]), undefined, /past the end/],
    [headOf(8), Buffer.alloc(8), undefined, /more than 1 elements/],
    [
      { inputs: [{ ...input(['x']), parameters: { binary_data_size: 0 } }] },
      Buffer.alloc(0),
      undefined,
      /both data and/,
    ],
    [
      headOf(raw.length, { parameters: { binary_data_output: 'yes' } }),
      raw,
      undefined,
      /must be true or false/,
    ],
  ];
  for (const [head, data, length, words] of cases) {
    const answer = await binary(head, data, length === undefined ? {} : { length });
    assert.equal(answer.status, 400, String(words));
    assert.match(answer.body.error, words);
  }
  const shared = { inputs: [{ ...input(['x']), parameters: { shared_memory_region: 'r' } }] };
  refused(await call(`${MODEL}/infer`, shared), 501, /shared memory is not served here/);
});

test('a body that would be much larger as values than as text is refused early', async () => {
  const heap = process.memoryUsage().rss;
  const many = (text: string, close: string) => `{"x":[${Array(600_000).fill(text).join(',')}${close}`;
  for (const body of [
    many('{}', ']}'),
    many('[]', ']}'),
    many('0', ']}'),
    many('""', ']}'),
    many('{"":0}', ''),
  ]) {
    const { status, body: told } = await call(`${MODEL}/infer`, body);
    assert.equal(status, 413, body.slice(0, 40));
    assert.match(told.error, /more than 500000 JSON values/);
  }
  refused(await call(`${MODEL}/infer`, '['.repeat(100_000)), 400, /nested deeper than 32/);
  const twice = Array(2_000).fill({ name: 'OUTPUT' });
  refused(await ask(['x'], { outputs: twice }), 400, /'OUTPUT' is asked for twice/);
  // Quotes and brackets within strings are text.
  const text = '{"[,'.repeat(300_000);
  assert.equal((await ask([text])).status, 200);
  assert.equal((await ask(['\\" ['])).status, 200);
  assert.ok(process.memoryUsage().rss - heap < 1024 * 1024 * 1024);
});

test('load and unload take what Triton’s client sends, and refuse what is not served by its name', async () => {
  const change = (path: string, body: unknown) => call(`/v2/repository/models/${path}`, body);
  refused(
    await change('task_router_head/load', { parameters: { config: '{}' } }),
    501,
    /a configuration of the request can’t be served here; change task_router_head\/config.pbtxt/,
  );
  refused(await change('task_router_head/load', { parameters: { config: 'not json' } }), 501, /config.pbtxt/);
  refused(
    await change('task_router_head/load', { parameters: { 'file:1/model.onnx': 'AA==' } }),
    501,
    /files of the request/,
  );
  refused(
    await change('task_router_head/load', { parameters: { cofnig: '' } }),
    400,
    /unknown parameter 'cofnig'/,
  );
  refused(await change('task_router_head/load', 'not json'), 400, /not JSON/);
  refused(
    await change('task_router_head/unload', { parameters: { unload_dependents: 1 } }),
    400,
    /true or false/,
  );
  assert.equal((await call('/v2/models/task_router_head/ready')).status, 200);
  // The steps that no other model needs go with it.
  assert.equal((await change('intent_router_details/unload', '')).status, 200);
  assert.equal(
    (await change('intent_router_ensemble/unload', { parameters: { unload_dependents: true } })).status,
    200,
  );
  assert.equal((await call('/v2/models/intent_router_head/ready')).status, 503);
  assert.equal((await call('/v2/models/prompt_encoder/ready')).status, 200);
  assert.equal((await change('intent_router_ensemble/load', {})).status, 200);
  assert.equal((await call('/v2/models/intent_router_head/ready')).status, 200);
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
