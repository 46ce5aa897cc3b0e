import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { programOf } from '../../bundler/src/program.ts';

const MAIN = programOf(join(import.meta.dirname, '../src/main.ts'));
const KEY = 'sk-never-printed-0123456789';
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function begin(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'pipe', env: { ...process.env, ...env } });
  children.push(child);
  const exited = once(child, 'close') as Promise<[number | null, string | null]>;
  let out = '';
  let err = '';
  child.stderr.on('data', (part) => {
    err += part;
  });
  const ready = new Promise<string>((resolve) => {
    child.stdout.on('data', (part) => {
      out += part;
      if (out.includes('\n')) resolve(out);
    });
  });
  const either = Promise.race([ready, exited.then(() => Promise.reject(new Error(`ended: ${err}`)))]);
  either.catch(() => {});
  return { child, ready: either, exited, err: () => err };
}

test('says when it serves, in one line; answers there, and ends on SIGTERM', async () => {
  const { child, ready, exited, err } = begin(['--port', '0'], { LLM_ROUTER_API_KEY: KEY });
  const [, url] = /^ready (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(await ready)!;
  const page = await fetch(url!);
  assert.match(await page.text(), /<title>LLM Router playground<\/title>/);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
  assert.match(err(), /relays to http:\/\/127\.0\.0\.1:8084\/ with LLM_ROUTER_API_KEY/);
  assert.doesNotMatch(err(), /WARNING|Experimental/);
  assert.ok(!err().includes(KEY));
});

test('stops when its parent has gone', async () => {
  const { child, ready, exited } = begin(['--port', '0', '--exit-with-parent']);
  await ready;
  child.stdin!.end();
  assert.deepEqual(await exited, [0, null]);
});

for (const [password, who] of [
  ['', /Whoever reaches the page uses .* key.* Set PLAYGROUND_PASSWORD/],
  ['a-password', /Whoever knows the password uses .* key/],
] as const) {
  test(`on an address for others it says who uses the key, with${password ? '' : 'out'} a password`, async () => {
    const { ready, err } = begin(['--host', '0.0.0.0', '--port', '0'], { PLAYGROUND_PASSWORD: password });
    assert.match(await ready, /^ready http:\/\/0\.0\.0\.0:\d+\n$/);
    assert.match(err(), who);
    assert.ok(!err().includes('a-password'));
  });
}

test('what is wrong on the command line or around it is told, with what would be right', async () => {
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const { port } = busy.address() as { port: number };
  const cases: { args: string[]; env?: Record<string, string>; words: RegExp; code: number }[] = [
    { args: ['--port', '70000'], words: /--port must be a number from 0 to 65535, not '70000'/, code: 2 },
    { args: ['--port', ''], words: /--port must be a number/, code: 2 },
    { args: ['--prot', '1'], words: /--prot[\s\S]*--port N/, code: 2 },
    { args: ['--port', String(port)], words: new RegExp(`port ${port} on 127.0.0.1 is taken`), code: 1 },
    { args: [], env: { LLM_ROUTER_URL: 'router:8084' }, words: /LLM_ROUTER_URL must be an http/, code: 2 },
    { args: [], env: { LLM_ROUTER_API_KEY: 'a b' }, words: /LLM_ROUTER_API_KEY holds/, code: 2 },
    { args: [], env: { LLM_ROUTER_URL: 'http://u:geheim@h' }, words: /without user and password/, code: 2 },
  ];
  for (const { args, env, words, code } of cases) {
    const { exited, err } = begin(args, env);
    assert.equal((await exited)[0], code, args.join(' '));
    assert.match(err(), words);
    assert.doesNotMatch(err(), /geheim/);
  }
  busy.close();
});
