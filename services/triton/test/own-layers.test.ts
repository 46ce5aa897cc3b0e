/**
 * A policy with encoder layers of its own gives the same probabilities on a real Triton, on router-server and by Python, alone, in batches of
 * mixed lengths, and at once with policies that read the shared encoder's embedding.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type RouterServer, startRouterServer } from '@llm-router/router-server';
import { setupPolicyTrainer } from '../../../scripts/parts/trainer.ts';
import { startTriton, type Triton } from '../src/start-triton.ts';
import { Client } from './client.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const TRAINER = join(ROOT, 'services/trainer');
const run = promisify(execFile);

const POLICY = 'bank_support';
const OTHER = 'task_router';
/** Other builds of onnxruntime: int8 activations make a step of a rounding. */
const TOLERANCE = 0.03;
const PROMPTS = [
  'my wallet was stolen last night, what now',
  'pin?',
  'the terminal in the shop refused my payment twice, and then the cash machine kept my card, and nobody at the counter could tell me why',
  'let me speak to a real person please',
  'Wo bleibt meine neue Karte?',
  `I was charged for something. ${'I do not know this shop and never bought there. '.repeat(12)}`,
];

/** Probabilities of both policies as the trainer reads the repository, [prompt][label]. */
const BY_PYTHON = `
import json, sys
from pathlib import Path
from trainer.served import Encoder, Head
folder, prompts = Path(sys.argv[1]), json.loads(sys.argv[2])
encoder = Encoder(folder)
print(json.dumps({name: Head(folder, name).probabilities(encoder, prompts, batch=1).tolist() for name in sys.argv[3:]}))
`;

let folder: string;
let triton: Triton;
let server: RouterServer;
let clients: Readonly<Record<'Triton' | 'router-server', Client>>;
let wanted: Readonly<Record<string, readonly (readonly number[])[]>>;

before(async () => {
  const python = await setupPolicyTrainer();
  folder = await mkdtemp(join(tmpdir(), 'llm-router-own-layers-'));
  const models = join(folder, 'models');
  const kept = [
    'prompt_tokenizer',
    'prompt_encoder',
    ...['head', 'details', 'ensemble'].map((kind) => `${OTHER}_${kind}`),
  ];
  for (const name of kept)
    await cp(join(ROOT, 'model_repository', name), join(models, name), { recursive: true });
  const data = ['--data', 'data/examples/bank_support.csv', '--layers', '2', '--work', folder];
  await run(python, ['-m', 'trainer', 'policy', '--name', POLICY, '--repository', models, ...data], {
    cwd: TRAINER,
  });
  const asked = ['-c', BY_PYTHON, models, JSON.stringify(PROMPTS), POLICY, OTHER];
  wanted = JSON.parse((await run(python, asked, { cwd: TRAINER })).stdout);
  triton = await startTriton({ repository: models });
  server = await startRouterServer({ repository: models, pollSeconds: 0 });
  clients = { Triton: new Client(triton.grpc), 'router-server': new Client(server.grpc) };
});
after(async () => {
  for (const client of Object.values(clients ?? {})) client.close();
  await Promise.allSettled([server?.close(), triton?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

function near(found: readonly number[], expected: readonly number[], what: string): void {
  assert.equal(found.length, expected.length, what);
  const worst = Math.max(...found.map((value, at) => Math.abs(value - expected[at]!)));
  assert.ok(worst <= TOLERANCE, `${what}: off by ${worst}`);
}

const rowsOf = (values: readonly number[], rows: number) =>
  Array.from({ length: rows }, (_, row) =>
    values.slice((row * values.length) / rows, ((row + 1) * values.length) / rows),
  );

for (const name of ['Triton', 'router-server'] as const) {
  test(`${name}: the probabilities that Python gives, prompt by prompt and in a batch of mixed lengths`, async () => {
    const client = clients[name];
    for (const [at, prompt] of PROMPTS.entries())
      for (const model of [`${POLICY}_ensemble`, `${POLICY}_details`])
        near(
          (await client.infer(model, [prompt])).numbers('OUTPUT'),
          wanted[POLICY]![at]!,
          `${model}: ${prompt}`,
        );
    const batch = (await client.infer(`${POLICY}_details`, PROMPTS)).numbers('OUTPUT');
    for (const [at, row] of rowsOf(batch, PROMPTS.length).entries())
      near(row, wanted[POLICY]![at]!, `in a batch: ${PROMPTS[at]}`);
  });

  test(`${name}: at once with a policy on the embedding, each gets its own`, async () => {
    const asked = Array.from({ length: 5 }, () => [...PROMPTS.entries()])
      .flat()
      .flatMap(([at, prompt]) => [POLICY, OTHER].map((policy) => ({ at, prompt, policy })));
    const answers = await Promise.all(
      asked.map(({ prompt, policy }) => clients[name].infer(`${policy}_details`, [prompt])),
    );
    for (const [index, { at, prompt, policy }] of asked.entries())
      near(answers[index]!.numbers('OUTPUT'), wanted[policy]![at]!, `${policy}: ${prompt}`);
  });

  test(`${name}: labels by name come through the ensemble`, async () => {
    const answer = await clients[name].infer(`${POLICY}_ensemble`, [PROMPTS[0]!], { OUTPUT: 1 });
    assert.match(answer.texts('OUTPUT')[0]!, /:card_lost_or_stolen$/);
  });
}
