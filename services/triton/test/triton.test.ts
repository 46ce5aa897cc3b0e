/** The model repository on a real Triton: labels, batches, errors, and the helper that tests fault it with. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeNumbers } from '@llm-router/protos';
import { startTriton, type Triton } from '../src/start-triton.ts';
import { Client } from './client.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const REPOSITORY = join(ROOT, 'model_repository');
const ENSEMBLES = ['task_router_ensemble', 'complexity_router_ensemble'];
const labelsOf = (model: string) =>
  readFileSync(join(REPOSITORY, model, 'labels.txt'), 'utf8')
    .trimEnd()
    .split('\n');

/** Dynamic int8 takes one scale for the activations of a whole batch, so neighbours and padding move a row (measured: 0.15). */
const BATCH_TOLERANCE = 0.25;

const SHORT = 'Write a Python function that reverses a list';
const LONG = `Summarize this: ${'The council met on Monday and talked about the bridge. '.repeat(12)}`;
/** One per padding length. */
const MIXED = [
  SHORT,
  LONG,
  'hi',
  `${SHORT}, ${'and explain each step to a beginner, '.repeat(6)}`,
  LONG.repeat(4),
  'names for a bakery?',
];

/** Waits until something holds; Triton's own reactions take a moment. */
async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; !(await holds()); await sleep(100)) assert.ok(Date.now() < end, what);
}

const alive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

function closeTo(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (const [at, value] of actual.entries())
    assert.ok(Math.abs(value - expected[at]!) <= tolerance, `${value} at ${at} instead of ${expected[at]}`);
}

describe('the repository on a real Triton', () => {
  let triton: Triton;
  let client: Client;
  before(async () => {
    triton = await startTriton({ repository: REPOSITORY });
    client = new Client(triton.grpc);
  });
  after(async () => {
    client?.close();
    await triton?.stop();
  });

  for (const ensemble of ENSEMBLES) {
    test(`${ensemble} tells every label by name over gRPC`, async () => {
      const labels = labelsOf(ensemble);
      const answer = await client.infer(ensemble, [SHORT], { OUTPUT: labels.length });
      const told = answer.texts('OUTPUT').map((text) => text.split(':'));
      assert.deepEqual(told.map(([, , label]) => label).sort(), [...labels].sort());
      for (const [, index, label] of told) assert.equal(labels[Number(index)], label);
    });

    test(`${ensemble} answers v1’s controller: OUTPUT first, and no key of the answer twice`, async () => {
      const labels = labelsOf(ensemble);
      const response = await fetch(`${triton.http}/v2/models/${ensemble}/infer`, {
        method: 'POST',
        // Its body names no outputs, its reader takes the first one and refuses a key that comes twice.
        body: JSON.stringify({
          inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [1, 1], data: [[SHORT]] }],
        }),
      });
      const text = await response.text();
      const body = JSON.parse(text) as {
        model_name: string;
        model_version: string;
        parameters: object;
        outputs: { name: string; shape: number[]; data: number[] }[];
      };
      assert.equal(body.model_name, ensemble);
      assert.equal(body.model_version, '1');
      const keys = { sequence_id: 0, sequence_start: false, sequence_end: false };
      assert.deepEqual(body.parameters, keys);
      for (const key of Object.keys(keys))
        assert.equal(text.split(`"${key}"`).length, 2, `${key} in ${text}`);
      const [output] = body.outputs;
      assert.ok(output);
      assert.equal(output.name, 'OUTPUT');
      assert.deepEqual(output.shape, [1, labels.length]);
      closeTo(output.data, (await client.infer(ensemble, [SHORT])).numbers('OUTPUT'), 1e-5);
      assert.ok(Math.abs(output.data.reduce((sum, p) => sum + p, 0) - 1) < 1e-3);
    });

    test(`${ensemble}: every row of a batch is answered as it would be alone`, async () => {
      const classes = labelsOf(ensemble).length;
      const details = ensemble.replace('_ensemble', '_details');
      const batch = await client.infer(details, MIXED);
      assert.deepEqual(batch.shape('OUTPUT'), [MIXED.length, classes]);
      assert.deepEqual(batch.shape('TOKEN_COUNT'), [MIXED.length, 1]);
      for (const [row, prompt] of MIXED.entries()) {
        const alone = await client.infer(details, [prompt]);
        assert.equal(batch.numbers('TOKEN_COUNT')[row], alone.numbers('TOKEN_COUNT')[0]);
        closeTo(
          batch.numbers('OUTPUT').slice(row * classes, (row + 1) * classes),
          alone.numbers('OUTPUT'),
          BATCH_TOLERANCE,
        );
      }
    });
  }

  test('the complexity policy names its eight scores', async () => {
    const scores = readFileSync(join(REPOSITORY, 'complexity_router_details', 'scores.txt'), 'utf8')
      .trimEnd()
      .split('\n');
    const answer = await client.infer('complexity_router_details', [SHORT], { SCORES: scores.length });
    const told = answer.texts('SCORES').map((text) => text.split(':')[2]!);
    assert.deepEqual(told.sort(), [...scores].sort());
  });

  test('prompts of different lengths at once each get their own answer', async () => {
    const alone = await Promise.all(
      MIXED.map(
        async (prompt) => (await client.infer('prompt_tokenizer', [prompt])).numbers('TOKEN_COUNT')[0],
      ),
    );
    const crowd = Array.from({ length: 60 }, (_, index) => index % MIXED.length);
    const answers = await Promise.all(
      crowd.map((kind) => client.infer('task_router_details', [MIXED[kind]!])),
    );
    const reference = await Promise.all(
      MIXED.map(async (prompt) => (await client.infer('task_router_ensemble', [prompt])).numbers('OUTPUT')),
    );
    for (const [at, kind] of crowd.entries()) {
      assert.equal(answers[at]!.numbers('TOKEN_COUNT')[0], alone[kind]);
      closeTo(answers[at]!.numbers('OUTPUT'), reference[kind]!, BATCH_TOLERANCE);
    }
  });

  test('a request that fails takes none of its batch with it', async () => {
    const encode = (id: number) =>
      client.inferRaw({
        model_name: 'prompt_encoder',
        inputs: ['INPUT_IDS', 'ATTENTION_MASK'].map((name) => ({ name, datatype: 'INT64', shape: [1, 16] })),
        raw_input_contents: [
          encodeNumbers(
            'INT64',
            Array.from({ length: 16 }, () => id),
          ),
          encodeNumbers(
            'INT64',
            Array.from({ length: 16 }, () => 1),
          ),
        ],
      });
    const beyondVocabulary = 10_000_000;
    const requests = Array.from({ length: 24 }, (_, index) =>
      encode(index % 6 === 3 ? beyondVocabulary : 100 + index),
    );
    const results = await Promise.allSettled(requests);
    for (const [index, { status }] of results.entries())
      assert.equal(status, index % 6 === 3 ? 'rejected' : 'fulfilled', `request ${index}`);
  });

  test('it answers gRPC’s health protocol, which the chart’s probes ask', async () => {
    type Done = (error: Error | null, reply?: Buffer) => void;
    const caller = client.grpc as unknown as {
      makeUnaryRequest(path: string, write: unknown, read: unknown, request: Buffer, done: Done): void;
    };
    const same = (bytes: Buffer) => bytes;
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const done: Done = (error, reply) => (error ? reject(error) : resolve(reply!));
      caller.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), done);
    });
    // HealthCheckResponse { status: SERVING }
    assert.deepEqual([...answer], [8, 1]);
  });

  test('Prometheus metrics count the inferences', async () => {
    const text = await (await fetch(triton.metrics)).text();
    const [, count] = /nv_inference_request_success\{model="prompt_encoder"[^}]*\} (\d+)/.exec(text) ?? [];
    assert.ok(Number(count) > 0, 'nv_inference_request_success of prompt_encoder');
  });
});

describe('startTriton', () => {
  test('explicit control loads and unloads models', async () => {
    const triton = await startTriton({
      repository: REPOSITORY,
      modelControl: 'explicit',
      load: ['prompt_tokenizer'],
    });
    try {
      const ready = async (model: string) => (await fetch(`${triton.http}/v2/models/${model}/ready`)).ok;
      assert.deepEqual([await ready('prompt_tokenizer'), await ready('prompt_encoder')], [true, false]);
      const post = (path: string) =>
        fetch(`${triton.http}/v2/repository/models/${path}`, { method: 'POST', body: '{}' });
      assert.ok((await post('prompt_encoder/load')).ok);
      assert.ok(await ready('prompt_encoder'));
      assert.ok((await post('prompt_tokenizer/unload')).ok);
      await until(async () => !(await ready('prompt_tokenizer')), 'prompt_tokenizer stays loaded');
    } finally {
      await triton.stop();
    }
  });

  test('pause hangs it, resume brings it back, kill leaves no process', async () => {
    const triton = await startTriton({
      repository: REPOSITORY,
      modelControl: 'explicit',
      load: ['prompt_tokenizer'],
    });
    const group = readFileSync(`/proc/${triton.pid}/task/${triton.pid}/children`, 'utf8')
      .trim()
      .split(/\s+/)
      .map(Number);
    assert.ok(group.length > 0 && group.every(alive), 'the Python step runs in a process of its own');
    try {
      await triton.pause();
      await assert.rejects(fetch(`${triton.http}/v2/health/ready`, { signal: AbortSignal.timeout(1_000) }));
      triton.resume();
      await until(
        () => fetch(`${triton.http}/v2/health/ready`).then(({ ok }) => ok),
        'it does not come back',
      );
    } finally {
      await triton.kill();
    }
    await until(() => ![triton.pid, ...group].some(alive), 'a process of it is left');
  });

  test('a parent that is killed takes it along', async () => {
    const code = `
      import { startTriton } from ${JSON.stringify(join(ROOT, 'services/triton/src/start-triton.ts'))};
      const t = await startTriton({ repository: ${JSON.stringify(REPOSITORY)}, modelControl: 'explicit', load: ['prompt_tokenizer'] });
      console.log('pid ' + t.pid);`;
    const parent = spawn(process.execPath, ['--input-type=module-typescript', '--eval', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let pid = 0;
    for await (const line of createInterface({ input: parent.stdout })) {
      pid = Number(/^pid (\d+)/.exec(line)?.[1] ?? 0);
      if (pid) break;
    }
    assert.ok(pid > 0);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(/\s+/)
      .map(Number);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await until(() => ![pid, ...children].some(alive), 'Triton outlived its parent');
  });

  test('an encoder for a GPU alone is understood, and refused here for want of one; another kind is not understood', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'llm-router-gpu-repository-'));
    try {
      cpSync(join(REPOSITORY, 'prompt_encoder'), join(folder, 'prompt_encoder'), { recursive: true });
      const file = join(folder, 'prompt_encoder', 'config.pbtxt');
      const text = readFileSync(file, 'utf8');
      const of = (kind: string) => {
        writeFileSync(file, text.replace('KIND_AUTO', kind));
        return startTriton({ repository: folder });
      };
      await assert.rejects(of('KIND_GPU'), /prompt_encoder has kind KIND_GPU but no GPUs are available/);
      await assert.rejects(of('KIND_NPU'), (error: Error) => {
        // Not read at all, so not among the models.
        assert.doesNotMatch(error.message, /no GPUs are available|prompt_encoder/);
        assert.match(error.message, /failed to load all models/);
        return true;
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a repository that can’t be served fails with Triton’s own words', async () => {
    await assert.rejects(
      startTriton({ repository: REPOSITORY, modelControl: 'explicit', load: ['no_such_model'] }),
      /did not become ready[\s\S]*no_such_model/,
    );
  });
});
