import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { programOf } from '../../bundler/src/program.ts';
import { MODELS } from '../src/fixture.ts';

const MAIN = programOf(fileURLToPath(new URL('../src/main.ts', import.meta.url)));
const FREE = ['--grpc-port', '0', '--http-port', '0'];
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function begin(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'pipe' });
  children.push(child);
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  let out = '';
  let err = '';
  child.stderr.on('data', (part) => (err += part));
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (part) => {
      out += part;
      if (out.includes('\n')) resolve(out);
    });
    void exited.then(([code]) => reject(new Error(`ended with ${code}: ${err}`)));
  });
  ready.catch(() => {});
  return { child, ready, exited, err: () => err };
}

test('says when it serves, in one line; ends a request in flight before it goes on SIGTERM', async () => {
  const { child, ready, exited, err } = begin('--repository', MODELS, ...FREE, '--threads', '1');
  const [, grpc, http] = /^ready grpc (127\.0\.0\.1:\d+) http (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(
    await ready,
  )!;
  assert.notEqual(grpc, http!.slice('http://'.length));
  assert.match(err(), /router-server: loaded task_router_ensemble version \d+/);
  const inputs = [
    { name: 'INPUT', datatype: 'BYTES', shape: [4, 1], data: Array(4).fill('words '.repeat(300)) },
  ];
  const body = JSON.stringify({ inputs });
  const sent = fetch(`${http}/v2/models/task_router_ensemble/infer`, { method: 'POST', body });
  // The metrics know the request's tokens as soon as the encoder has it.
  for (;;) {
    const metrics = await (await fetch(`${http}/metrics`)).text();
    if (/nv_inference_count\{model="prompt_tokenizer",version="1"\} 4/.test(metrics)) break;
  }
  child.kill('SIGTERM');
  assert.equal((await sent).status, 200);
  assert.deepEqual(await exited, [0, null]);
});

test('with --log-format json every line is an object with a severity, on standard output alone', async () => {
  const { child, exited, err } = begin('--repository', MODELS, ...FREE, '--log-format', 'json');
  let out = '';
  while (!out.includes('ready grpc')) out += (await once(child.stdout!, 'data'))[0];
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const line of lines) {
    assert.deepEqual([line.level, line.severity, line.service], ['info', 'INFO', 'router-server']);
    assert.ok(!Number.isNaN(Date.parse(line.timestamp)));
  }
  assert.ok(lines.some(({ message }) => message.startsWith('loaded task_router_ensemble')));
  assert.equal(err(), '');
  child.kill('SIGTERM');
  await exited;
  const other = begin('--repository', MODELS, ...FREE, '--log-format', 'xml');
  assert.deepEqual(await other.exited, [2, null]);
  assert.match(other.err(), /--log-format must be text or json, not 'xml'/);
});

test('stops when its parent has gone', async () => {
  const { child, ready, exited } = begin('--repository', MODELS, ...FREE, '--exit-with-parent');
  await ready;
  child.stdin!.end();
  assert.deepEqual(await exited, [0, null]);
});

for (const [what, args, code, words] of [
  ['no repository', [], 2, /--repository DIR is missing/],
  ['an unknown option', ['--repo', 'x'], 2, /Unknown option '--repo'[\s\S]*--poll-seconds/],
  [
    'a port that is none',
    ['--repository', MODELS, '--grpc-port', 'eight'],
    2,
    /--grpc-port must be a number from 0 to 65535, not 'eight'/,
  ],
  ['no threads', ['--repository', MODELS, '--threads', '0'], 2, /--threads must be a number from 1 to 256/],
  [
    'a repository that is not there',
    ['--repository', join(MODELS, 'nothing'), ...FREE],
    1,
    /can’t start: .*nothing/,
  ],
] as const) {
  test(`${what}: says so and exits with ${code}`, async () => {
    const { exited, err } = begin(...args);
    assert.deepEqual(await exited, [code, null]);
    assert.match(err(), words);
    assert.doesNotMatch(err(), /^\s+at /m);
  });
}

test('a port in use is told, and nothing stays behind', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as { port: number };
  const { exited, err } = begin('--repository', MODELS, '--grpc-port', '0', '--http-port', String(port));
  assert.deepEqual(await exited, [1, null]);
  assert.match(err(), new RegExp(`can’t start: .*EADDRINUSE.*${port}`));
  holder.close();
});
