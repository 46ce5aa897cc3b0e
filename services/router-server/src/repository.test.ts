import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { copyRepository, MODELS, makeSmall, type RepositoryCopy } from './fixture.ts';
import { infer } from './infer.ts';
import { createMetrics } from './metrics.ts';
import { Repository } from './repository.ts';

const metrics = createMetrics();
let copy: RepositoryCopy;
let repository: Repository;
let lines: string[] = [];
const ends: (() => Promise<void>)[] = [];

/** Serves a folder for one test; all are ended together. */
async function serve(made: RepositoryCopy): Promise<void> {
  copy = made;
  lines = [];
  const log = lines;
  const own = new Repository({ folder: copy.folder, threads: 1, metrics, log: (line) => log.push(line) });
  repository = own;
  ends.push(async () => {
    await own.close();
    await made.remove();
  });
  await repository.sync();
}
beforeEach(async () => {
  const small = await copyRepository();
  await makeSmall(small.folder);
  await serve(small);
});
after(async () => {
  for (const end of ends) await end();
});

const config = (name: string) => join(copy.folder, name, 'config.pbtxt');
async function edit(file: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(file, 'utf8');
  const text = change(before);
  assert.notEqual(text, before, `the change of ${file} changes nothing`);
  await writeFile(file, text);
}
const stateOf = (name: string) => repository.index().find((row) => row.name === name);
async function classify(
  model = 'task_router_ensemble',
  text = 'Write a Python function that adds two numbers',
) {
  const inputs = [{ name: 'INPUT', datatype: 'BYTES', shape: [1, 1], data: [Buffer.from(text)] }];
  const outputs = [{ name: 'OUTPUT', classification: 1 }];
  const answer = await infer(repository, { model, version: '', inputs, outputs });
  return {
    label: (answer.outputs[0]!.data as Buffer[])[0]!.toString().split(':')[2]!,
    version: answer.model.version,
  };
}
/** A new policy of the user's: the task head and ensemble under another name. */
async function addPolicy(name: string): Promise<void> {
  for (const [from, to] of [
    ['task_router_head', `${name}_head`],
    ['task_router_ensemble', `${name}_ensemble`],
  ] as const) {
    await copy.put(to, async (folder) => {
      await cp(join(MODELS, from), folder, { recursive: true });
      await edit(join(folder, 'config.pbtxt'), (text) => text.replaceAll('task_router', name));
    });
  }
}

test('the committed repository is served whole, and classifies', async () => {
  await serve(await copyRepository());
  assert.deepEqual(
    repository.index().map(({ name, state }) => `${name} ${state}`),
    [
      'prompt_encoder READY',
      'prompt_tokenizer READY',
      'task_router_ensemble READY',
      'task_router_head READY',
    ],
  );
  const labels = repository.get('task_router_ensemble').labels.get('OUTPUT')!;
  assert.equal(labels.length, 12);
  assert.ok(labels.includes((await classify()).label));
});

test('a new head and ensemble are served without a restart, and gone when their folders go', async () => {
  await addPolicy('mine');
  await repository.sync();
  assert.deepEqual((await classify('mine_ensemble')).label, (await classify()).label);
  for (const name of ['mine_head', 'mine_ensemble']) await rm(join(copy.folder, name), { recursive: true });
  await repository.sync();
  assert.throws(
    () => repository.get('mine_ensemble'),
    /unknown model 'mine_ensemble'; loaded: prompt_encoder/,
  );
});

test('requests in flight survive the change of the models they run on', async () => {
  const answers: Promise<unknown>[] = [];
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 20; i++) answers.push(classify('task_router_ensemble', `prompt ${round} ${i}`));
    await copy.put('task_router_head', (folder) =>
      cp(join(MODELS, 'task_router_head'), folder, { recursive: true }),
    );
    await repository.sync();
  }
  await Promise.all(answers);
  assert.equal(lines.filter((line) => line.startsWith('loaded task_router_head')).length, 5);
});

test('the highest version is served, and the answer tells it', async () => {
  await cp(join(copy.folder, 'task_router_head', '1'), join(copy.folder, 'task_router_head', '12'), {
    recursive: true,
  });
  await repository.sync();
  assert.equal(repository.get('task_router_head').version, '12');
  assert.throws(() => repository.get('task_router_head', '1'), /has version 12, not 1/);
});

test('nothing is loaded anew when only a model card or Python’s cache changed', async () => {
  const before = repository.get('prompt_tokenizer');
  await mkdir(join(copy.folder, 'prompt_tokenizer', '1', '__pycache__'), { recursive: true });
  await writeFile(join(copy.folder, 'prompt_tokenizer', '1', '__pycache__', 'model.cpython-313.pyc'), 'x');
  await writeFile(join(copy.folder, 'prompt_tokenizer', 'README.md'), 'x');
  await repository.sync();
  assert.equal(repository.get('prompt_tokenizer'), before);
});

test('folders of writers at work are not models: dots, no config.pbtxt', async () => {
  await cp(join(MODELS, 'task_router_head'), join(copy.folder, '.mine_head.tmp'), { recursive: true });
  await mkdir(join(copy.folder, 'notes'));
  await writeFile(join(copy.folder, 'README.md'), '# models');
  await repository.sync();
  assert.equal(repository.index().length, 4);
});

test('a model that is away only while its folder is swapped goes on', async () => {
  const away = join(copy.folder, '.away');
  await rename(join(copy.folder, 'task_router_head'), away);
  const look = repository.sync();
  setTimeout(() => void rename(away, join(copy.folder, 'task_router_head')), 30);
  await look;
  assert.equal(stateOf('task_router_head')?.state, 'READY');
  assert.deepEqual(
    lines.filter((line) => line.startsWith('unloaded')),
    [],
  );
});

for (const [what, change, words] of [
  ['a half-written model.onnx', () => truncate('task_router_head/1/model.onnx'), /./],
  [
    'a model file that is missing',
    () => rm(join(copy.folder, 'task_router_head/1/model.onnx')),
    /its version folder has no model\.onnx/,
  ],
  [
    'a config that does not parse',
    () => appendFile(config('task_router_head'), '\ninput {'),
    /line \d+: missing '}'/,
  ],
  [
    'labels that do not fit',
    () => appendFile(join(copy.folder, 'task_router_head/labels.txt'), 'One more\n'),
    /output OUTPUT: labels\.txt has 13 labels, its dims want 12/,
  ],
  [
    'labels that are missing',
    () => rm(join(copy.folder, 'task_router_head/labels.txt')),
    /output OUTPUT: its label_filename 'labels\.txt' is not in the folder/,
  ],
  [
    'dims that are not the file’s',
    () =>
      edit(config('task_router_head'), (text) => text.replace(/dims: \[ \d+ \] \} \]/, 'dims: [ 5 ] } ]')),
    /config has input EMBEDDING float32\[-1,5\], but the ONNX file has EMBEDDING float32\[-1,\d+\]/,
  ],
  [
    'a name that the file does not have',
    () => edit(config('task_router_head'), (text) => text.replace('"EMBEDDING"', '"VECTOR"')),
    /config names input VECTOR, but the ONNX file has inputs: EMBEDDING/,
  ],
] as const) {
  test(`${what}: refused with the reason, and what served before goes on`, async () => {
    const { label } = await classify();
    await change();
    await repository.sync();
    const row = stateOf('task_router_head')!;
    assert.equal(row.state, 'READY');
    assert.match(row.reason, /serves its older form/);
    assert.match(row.reason, words);
    assert.equal((await classify()).label, label);
    assert.ok(lines.some((line) => line.startsWith('refused task_router_head: ') && words.test(line)));
    await assert.rejects(repository.load('task_router_head'), /failed to load 'task_router_head': /);
    assert.equal((await classify()).label, label);
    // Mended, it is taken up again.
    await copy.put('task_router_head', (folder) =>
      cp(join(MODELS, 'task_router_head'), folder, { recursive: true }),
    );
    await repository.sync();
    assert.equal(stateOf('task_router_head')!.reason, '');
  });
}

async function truncate(file: string): Promise<void> {
  const whole = await readFile(join(copy.folder, file));
  await writeFile(join(copy.folder, file), whole.subarray(0, whole.length / 2));
}

for (const [what, pbtxt, words] of [
  ['a Python model', 'backend: "python"', /backend 'python' can’t be served here .*use Triton/],
  ['TorchScript', 'platform: "pytorch_libtorch"', /platform 'pytorch_libtorch' can’t be served here/],
] as const) {
  test(`${what} is refused by name, the others serve`, async () => {
    const folder = join(copy.folder, 'foreign');
    await mkdir(join(folder, '1'), { recursive: true });
    await writeFile(
      join(folder, 'config.pbtxt'),
      `${pbtxt} max_batch_size: 1 input { name: "I" data_type: TYPE_FP32 dims: 1 } output { name: "O" data_type: TYPE_FP32 dims: 1 }`,
    );
    await repository.sync();
    assert.equal(stateOf('foreign')?.state, 'UNAVAILABLE');
    assert.match(stateOf('foreign')!.reason, words);
    assert.throws(() => repository.get('foreign'), /model 'foreign' is not ready: /);
    assert.ok((await classify()).label);
  });
}

test('unload takes the ensembles with it that need the model; load brings them back', async () => {
  await repository.unload('task_router_head');
  assert.throws(() => repository.get('task_router_head'), /was unloaded; load it to use it/);
  assert.throws(() => repository.get('task_router_ensemble'), /its step 'task_router_head' is not loaded/);
  await repository.sync();
  assert.equal(stateOf('task_router_head')?.reason, 'unloaded');
  await repository.load('task_router_ensemble');
  assert.ok((await classify()).label);
  assert.equal(stateOf('task_router_head')?.state, 'READY');
  await assert.rejects(repository.unload('nothing'), /unknown model 'nothing'/);
  await assert.rejects(repository.load('nothing'), /unknown model 'nothing'/);
});

test('load takes up the model it names and no other', async () => {
  await addPolicy('mine');
  await addPolicy('yours');
  await repository.load('mine_ensemble');
  assert.ok((await classify('mine_ensemble')).label);
  assert.throws(() => repository.get('yours_head'), /unknown model/);
});

test('loads, unloads and looks at one time end in the state that was asked for last', async () => {
  const asked = [
    repository.sync(),
    repository.unload('task_router_head'),
    repository.sync(),
    repository.load('task_router_head'),
    repository.unload('task_router_head'),
  ];
  await Promise.allSettled(asked);
  await repository.sync();
  assert.equal(stateOf('task_router_head')?.reason, 'unloaded');
});

test('ensembles may have ensembles as steps; one that needs itself is refused', async () => {
  const outer = async (name: string, step: string) => {
    await mkdir(join(copy.folder, name, '1'), { recursive: true });
    await writeFile(
      config(name),
      `platform: "ensemble" max_batch_size: 64
       input { name: "INPUT" data_type: TYPE_STRING dims: 1 } output { name: "OUTPUT" data_type: TYPE_FP32 dims: 12 }
       ensemble_scheduling { step { model_name: "${step}" model_version: -1
         input_map { key: "INPUT" value: "INPUT" } output_map { key: "OUTPUT" value: "OUTPUT" } } }`,
    );
  };
  await outer('a_wrapper', 'task_router_ensemble');
  await outer('self', 'self');
  await repository.sync();
  assert.equal((await classify('a_wrapper')).label, (await classify()).label);
  assert.match(stateOf('self')!.reason, /ensemble self: its step self needs itself/);
});
