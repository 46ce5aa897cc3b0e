/** Nothing phones home: the sockets of whole commands, as a user starts them, with no CI variable to hide a habit. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CACHE, ROOT } from '../parts/lib.ts';
import { setupPythonTools } from '../parts/python-tools.ts';
import { setupStrace } from '../parts/strace.ts';
import { descendants, isAlive, until } from './processes.ts';
import { straceArgs, strangers } from './sockets.ts';

/** onnxruntime looked its maker up one second after its start; twice that and more, on a busy machine. */
const WATCH_MS = 8_000;

let strace: string;
before(async () => {
  strace = await setupStrace();
  await setupPythonTools();
});

/** A user's environment: nothing that says CI, no proxy that a call could hide behind, a home of its own. */
function plainEnv(home: string): NodeJS.ProcessEnv {
  const hides =
    /^(CI|.*_proxy|npm_.*|ORT_DISABLE_TELEMETRY|GITHUB_.*|BUILD_.*|RUN_ID|TF_BUILD|DO_NOT_TRACK)$/i;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !hides.test(name)));
  delete env.NVIDIA_API_KEY;
  delete env.LLM_ROUTER_CLASSIFIER_URL;
  return { ...env, HOME: home, XDG_CACHE_HOME: undefined };
}

interface Watched {
  readonly pid: number;
  readonly home: string;
  readonly output: () => string;
  /** Ends it as Ctrl-C would. @returns the strangers that it spoke to, and the files that it left in its home. */
  readonly end: () => Promise<{ strangers: string[]; files: string[] }>;
}

const left: (() => void)[] = [];
afterEach(() => {
  for (const clean of left.splice(0)) clean();
});

function watch(command: string, ...args: string[]): Watched {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-home-'));
  const trace = `${folder}.strace`;
  const child = spawn(strace, [...straceArgs(trace), command, ...args], {
    cwd: ROOT,
    env: plainEnv(folder),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  const exited = once(child, 'exit');
  left.push(() => {
    for (const pid of [child.pid!, ...descendants(child.pid!)].filter(isAlive)) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    rmSync(trace, { force: true });
  });
  return {
    pid: child.pid!,
    home: folder,
    output: () => output,
    end: async () => {
      // strace itself takes no signal while it watches; what it started does.
      for (const pid of descendants(child.pid!).slice(0, 1)) process.kill(pid, 'SIGTERM');
      await exited;
      return {
        strangers: strangers(trace),
        files: globSync('**', { cwd: folder, exclude: () => false }).filter((name) => name !== '.'),
      };
    },
  };
}

test('the watcher sees a native call of a grandchild, and lets loopback pass', async () => {
  // connect() of a datagram socket sends nothing.
  const code = `
import socket
for host in ('192.0.2.7', '127.0.0.1'):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect((host, 443))
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
try: s.connect(('2001:db8::7', 443))
except OSError: pass`;
  const python = join(CACHE, 'python-tools', 'bin', 'python');
  const script = `require('node:child_process').spawnSync(${JSON.stringify(python)}, ['-c', ${JSON.stringify(code)}])`;
  const seen = watch(process.execPath, '-e', script);
  assert.deepEqual((await seen.end()).strangers, ['192.0.2.7 port 443', '2001:db8::7 port 443']);
});

const listening = (watched: Watched, pattern: RegExp) =>
  until(
    () => pattern.test(watched.output()),
    () => `it did not say ${pattern}:\n${watched.output()}`,
  ).then(() => pattern.exec(watched.output())!);

test('npm start speaks to nobody but itself, from its start to its end, and leaves nothing at home', async () => {
  const watched = watch('npm', 'start', '--', '--port', '0', '--stand-ins');
  const [, url] = await listening(watched, /^listening on (http:\/\/\S+)$/m);
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'task_router', messages: [{ role: 'user', content: 'Write a haiku' }] }),
  });
  assert.equal(answer.status, 200);
  assert.ok(answer.headers.get('x-llm-router-label'), 'the embedded classifier has answered');
  await sleep(WATCH_MS);
  const { strangers, files } = await watched.end();
  assert.deepEqual(strangers, []);
  assert.deepEqual(
    files.filter((name) => !name.startsWith('.npm')),
    [],
    'files that nobody asked for',
  );
});

test('npm run triton speaks to nobody, its Python backends included', async () => {
  const watched = watch(
    'npm',
    'run',
    'triton',
    '--',
    '--grpc-port',
    '0',
    '--http-port',
    '0',
    '--metrics-port',
    '0',
  );
  const [, url] = await listening(watched, /^ready grpc \S+ http (\S+)/m);
  const answer = await fetch(`${url}/v2/models/task_router_ensemble/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [1, 1], data: ['hi'] }] }),
  });
  assert.equal(answer.status, 200);
  await sleep(WATCH_MS);
  const { strangers, files } = await watched.end();
  assert.deepEqual(strangers, []);
  assert.deepEqual(
    files.filter((name) => !name.startsWith('.npm')),
    [],
    'files that nobody asked for',
  );
});

test('the trainer loads onnxruntime without its telemetry', async () => {
  const python = ['trainer-venv', 'policy-venv']
    .map((name) => join(CACHE, name, 'bin', 'python'))
    .find((file) => existsSync(file))!;
  const watched = watch(
    'env',
    `PYTHONPATH=${join(ROOT, 'services', 'trainer')}`,
    'PYTHONDONTWRITEBYTECODE=1',
    python,
    '-c',
    `import time
from trainer import served
served.ort.InferenceSession("model_repository/task_router_head/1/model.onnx")
print("loaded", flush=True)
time.sleep(600)`,
  );
  await listening(watched, /loaded/);
  await sleep(WATCH_MS);
  const { strangers, files } = await watched.end();
  assert.deepEqual(strangers, []);
  assert.deepEqual(files, []);
});
