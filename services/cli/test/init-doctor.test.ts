/** The first minute: a configuration from what one has, and a look at whether it will work. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { anyEnv, loadConfig } from '../../router-controller/src/config/index.ts';
import { HOSTED } from '../src/init/providers.ts';
import { runCommand } from './run-command.ts';

const KEY = 'sk-of-the-doctors-test-0123456789';
const folder = mkdtempSync(join(tmpdir(), 'llm-router-init-'));
/** A server with one model, for those who have its key. */
const upstream = createServer((request, response) => {
  const known = request.headers.authorization === `Bearer ${KEY}`;
  const body = known
    ? { data: [{ id: 'tiny-1' }] }
    : { error: { message: `no such key: ${request.headers.authorization}` } };
  response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});
let url: string;
before(async () => {
  await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
});
after(() => {
  upstream.close();
  rmSync(folder, { recursive: true });
});

const init = (args: readonly string[], more: { input?: string; env?: Record<string, string> } = {}) =>
  runCommand(['init', ...args], { cwd: folder, ...more });

test('each kind of what people have makes a table that passes', async () => {
  const kinds = [...Object.keys(HOSTED), 'none'];
  await Promise.all(
    kinds.map(async (kind) => {
      const { code, out, err } = await init(['--use', kind, '--out', `${kind}.yaml`]);
      assert.equal(code, 0, err);
      assert.match(out, new RegExp(`wrote ${kind}\\.yaml: \\d targets, task_router`));
      const { table } = await loadConfig(join(folder, `${kind}.yaml`), { env: anyEnv });
      assert.equal(table.policies.get('task_router')!.entries.size, 12);
    }),
  );
  // Easy and hard work go to different models where there are two.
  const { table } = await loadConfig(join(folder, 'openai.yaml'), { env: anyEnv });
  const { entries } = table.policies.get('task_router')!;
  assert.deepEqual(
    ['Chatbot', 'Code Generation'].map((name) => entries.get(name)!.routes[0]!.target.name),
    ['gpt-5-mini', 'gpt-5'],
  );
});

test('asked, it takes numbers and words, asks again, and asks a server for its model', async () => {
  const answers = ['9', 'openai, 5', '', url, '', 'TINY_KEY', `${url}/v1`, 'big/two-2', '', ''];
  const { code, out, err } = await init(['--out', 'asked.yaml'], {
    input: `${answers.join('\n')}\n`,
    env: { TINY_KEY: KEY },
  });
  assert.equal(code, 0, err);
  assert.match(err, /'9' is none of them/);
  assert.match(out, /set OPENAI_API_KEY to your key, then:\n {2}npx llm-router doctor/);
  const text = readFileSync(join(folder, 'asked.yaml'), 'utf8');
  assert.ok(!text.includes(KEY));
  const { table } = await loadConfig(join(folder, 'asked.yaml'), { env: anyEnv });
  assert.deepEqual([...table.targets.keys()], ['tiny-1', 'two-2', 'gpt-5-mini', 'gpt-5']);
  assert.deepEqual((await init(['--use', 'nim', '--out', 'asked.yaml'])).code, 1);
});

test('a wrong word is told before anything is written', async () => {
  for (const [args, words] of [
    [['--use', 'nvidia'], /--use wants one of nim, openai/],
    [['--own', 'http://h:1,m,sk-secret-value'], /name of the variable that holds the key/],
  ] as const) {
    const { code, err } = await init([...args, '--out', 'wrong.yaml']);
    assert.equal(code, 2);
    assert.match(err, words);
    assert.ok(!err.includes('sk-secret-value'));
  }
  assert.match((await init(['--out', 'wrong.yaml'])).err, /nothing was written/);
  assert.throws(() => readFileSync(join(folder, 'wrong.yaml')));
});

test('the doctor asks every upstream with its key, and the classifier for its labels', async () => {
  await init([
    '--own',
    `${url},tiny-1,TINY_KEY`,
    '--own',
    `${url}/v1,gone-2,OTHER_KEY`,
    '--own',
    'http://127.0.0.1:1,far-3',
    '--out',
    'd.yaml',
  ]);
  const env = { TINY_KEY: KEY, OTHER_KEY: 'sk-not-the-right-one-0123456789' };
  const { code, out, err } = await runCommand(['doctor', '--config', 'd.yaml', '--port', '0', '--json'], {
    cwd: folder,
    env,
  });
  assert.equal(code, 1, err);
  const told = JSON.parse(out.trim().split('\n').at(-1)!) as {
    ok: boolean;
    checks: { name: string; status: string; found: string; advice: string | null }[];
  };
  assert.equal(told.ok, false);
  const of = (name: string) => told.checks.find((check) => check.name === name)!;
  assert.equal(of('configuration').status, 'ok');
  assert.match(of('classifier of task_router').found, /12 labels agree/);
  assert.deepEqual(
    [of('target tiny-1').status, of('target gone-2').status, of('target far-3').status],
    ['ok', 'fail', 'fail'],
  );
  assert.match(of('target tiny-1').found, /it has tiny-1/);
  assert.match(of('target gone-2').found, /refuses the key \(401\)/);
  assert.match(of('target far-3').found, /nothing listens at 127\.0\.0\.1:1/);
  assert.equal(of('clock').status, 'ok');
  for (const secret of Object.values(env)) assert.ok(!(out + err).includes(secret), 'a key is printed');
});

test('without its variables the file is looked at all the same', async () => {
  const { code, out } = await runCommand(['doctor', '--config', 'openai.yaml', '--port', '0'], {
    cwd: folder,
  });
  assert.equal(code, 0);
  assert.match(out, /! configuration {2}openai\.yaml|! configuration/);
  assert.match(out, /OPENAI_API_KEY is not set[\s\S]*--stand-ins/);
  assert.match(out, /✔ classifier of task_router|! classifier of task_router/);
});
