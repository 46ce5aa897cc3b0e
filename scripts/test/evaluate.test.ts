/** The commands for classifiers as a user runs them: from labelled texts to a served policy and its figures. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type RouterServer, startRouterServer } from '../../services/router-server/src/index.ts';
import { startTriton, type Triton } from '../../services/triton/src/start-triton.ts';
import { ROOT } from '../parts/lib.ts';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-policy-'));
const repository = join(folder, 'model_repository');
const BANK = join(ROOT, 'services/trainer/data/examples/bank_support.csv');

function npm(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile('npm', ['run', '-s', ...args], { cwd: ROOT, maxBuffer: 1 << 26 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err });
    });
  });
}

/** Every file of the repository with its size: what must not change. */
const listing = () =>
  readdirSync(repository, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .join('\n');

async function ready(http: string, model: string): Promise<void> {
  const until = Date.now() + 60_000;
  while (Date.now() < until) {
    const response = await fetch(`${http}/v2/models/${model}/ready`).catch(() => null);
    if (response?.ok) return;
    await new Promise((done) => setTimeout(done, 200));
  }
  throw new Error(`${model} never became ready at ${http}`);
}

describe('a policy of one’s own', () => {
  let server: RouterServer;
  let triton: Triton;

  before(async () => {
    cpSync(join(ROOT, 'model_repository'), repository, { recursive: true });
    server = await startRouterServer({ repository, pollSeconds: 1 });
    triton = await startTriton({ repository, modelControl: 'poll' });
  });
  after(async () => {
    await server?.close();
    await triton?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('bad data changes nothing and says what to mend', async () => {
    const bad = {
      'columns.csv': ['a,b\nx,y\n', /no column .text.*label.*The first line must be: text,label/],
      'empty.csv': ['text,label\nhello,\nhi,greeting\n', /:2: empty label/],
      'torn.csv': ['text,label\nhello,a\nhello,b\nhi,a\nho,b\n', /hello/],
      'latin.csv': [Buffer.from('text,label\ncaf\xe9,a\n', 'latin1'), /not UTF-8/],
      'one.csv': ['text,label\nhello,a\nhi,b\nhey,b\n', /a/],
    } as const;
    const unchanged = listing();
    for (const [name, [content, message]] of Object.entries(bad)) {
      const file = join(folder, name);
      writeFileSync(file, content);
      const { code, err } = await npm(
        'policy:train',
        '--',
        '--name',
        'mine',
        '--data',
        file,
        '--repository',
        repository,
      );
      assert.equal(code, 2, `${name}: ${err}`);
      assert.match(err, message);
      assert.match(err, /Nothing was changed/);
    }
    assert.equal(listing(), unchanged);
  });

  /** Trains `bank_intents`. */
  const trained = (...more: string[]) =>
    npm('policy:train', '--', '--name', 'bank_intents', '--data', BANK, '--repository', repository, ...more);

  test('is trained, and served by both servers without a restart', async () => {
    const config = join(folder, 'router.yaml');
    cpSync(join(ROOT, 'config', 'router.yaml'), config);
    const { code, out, err } = await trained('--config', config);
    assert.equal(code, 0, err);
    assert.match(out, /bank_intents, cross-validated: 150 rows/);
    await ready(server.http, 'bank_intents_ensemble');
    await ready(triton.http, 'bank_intents_ensemble');
    const checked = await npm('check-config', '--', config, '--allow-missing-secrets');
    assert.match(checked.out, /bank_intents: 10 entries/);

    const rows = readFileSync(BANK, 'utf8').trim().split(/\r?\n/).slice(1);
    const data = join(folder, 'bank.jsonl');
    // The file quotes only texts with commas.
    const pairs = rows.map((row) => /^(?:"(.*)"|(.*)),([a-z_]+)$/.exec(row)!);
    writeFileSync(data, pairs.map((m) => JSON.stringify({ prompt: m[1] ?? m[2], intent: m[3] })).join('\n'));
    for (const endpoint of [server.grpc, triton.grpc]) {
      const told = await npm(
        'evaluate',
        '--',
        '--policy',
        'bank_intents',
        '--data',
        data,
        '--endpoint',
        endpoint,
        '--json',
      );
      assert.equal(told.code, 0, told.err);
      const report = JSON.parse(told.out.trim().split('\n').at(-1)!);
      assert.deepEqual(Object.keys(report), [
        'n',
        'accuracy',
        'macro_f1',
        'per_label',
        'ece',
        'by_language',
        'p50_ms',
        'p99_ms',
      ]);
      assert.equal(report.n, 150);
      // Its own training rows: a head that was wired wrongly would be at one in ten.
      assert.ok(report.accuracy > 0.9, JSON.stringify(report));
    }
  });

  test('is served as another version once it is trained again, so that no router keeps decisions of the head before', async () => {
    const { code, err } = await trained();
    assert.equal(code, 0, err);
    for (const { http } of [server, triton]) await ready(http, 'bank_intents_ensemble/versions/2');
  });
});

test('evaluate starts a classifier of its own, and says what is wrong with a file', async () => {
  const file = join(tmpdir(), `llm-router-rows-${process.pid}.jsonl`);
  writeFileSync(
    file,
    `${JSON.stringify({ prompt: `Summarize:\n${'long text '.repeat(200_000)}`, task: 'Summarization' })}\n`,
  );
  const good = await npm('evaluate', '--', '--policy', 'task_router', '--data', file, '--json');
  assert.equal(good.code, 0, good.err);
  assert.equal(JSON.parse(good.out.trim().split('\n').at(-1)!).n, 1);
  writeFileSync(file, '{"prompt": "x", "task": "Chatbott"}\n');
  const bad = await npm('evaluate', '--', '--policy', 'task_router', '--data', file);
  assert.equal(bad.code, 1);
  assert.match(bad.err, /:1: 'Chatbott' is no label of the model\. Did you mean 'Chatbot'\?/);
  rmSync(file);
});

test('evaluate decides whole requests as the router does, rules and targets included', async () => {
  const file = join(tmpdir(), `llm-router-bodies-${process.pid}.jsonl`);
  const user = (content: string) => ({ role: 'user', content });
  const tools = ['Bash', 'Edit'].map((name) => ({ type: 'function', function: { name } }));
  const system = (content: string) => ({ role: 'system', content });
  const rows = [
    // The order stands in the system message; the data alone is a question.
    {
      body: {
        messages: [
          system('Translate the text into German. Output only the translation.'),
          user('Where is the station?'),
        ],
      },
      task: 'Rewrite',
      target: 'llama-8b',
    },
    {
      body: { messages: [user('make the button blue')], tools },
      task: 'Code Generation',
      target: ['deepseek-r1'],
    },
    { body: { messages: [user('make the button blue')] }, task: 'Code Generation', target: 'deepseek-r1' },
    {
      body: { prompt: '<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>' },
      task: ['Code Generation', 'Unknown'],
      target: 'llama-8b',
    },
    { body: { messages: [user('hello')] }, task: null },
  ];
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  const told = await npm('evaluate', '--', '--policy', 'task_router', '--data', file, '--json');
  assert.equal(told.code, 0, told.err);
  const { n, accuracy, targets_ok, targets_n } = JSON.parse(told.out.trim().split('\n').at(-1)!);
  // Without tools the order to paint a button is no work on code.
  assert.deepEqual([n, accuracy, targets_ok, targets_n], [4, 0.75, 3, 4]);
  writeFileSync(file, JSON.stringify({ body: { messages: [user('x')] }, task: null, target: 'llama-8b' }));
  const elsewhere = await npm('evaluate', '--', '--policy', 'intent_router', '--data', file);
  assert.equal(elsewhere.code, 1);
  assert.match(
    elsewhere.err,
    /names targets, but .* has no policy 'intent_router'; name another file with --config/,
  );
  rmSync(file);
});
