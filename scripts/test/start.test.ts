/** `npm start`: from the command to an answer, and nothing left of it afterwards. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { environmentOf } from '../../services/bundler/src/index.ts';
import { ROOT } from '../parts/lib.ts';
import { descendants, isAlive, Script, until } from './processes.ts';

/** A user's machine: no key, no classifier of their own, no npm above. */
const PLAIN = {
  NVIDIA_API_KEY: undefined,
  LLM_ROUTER_CLASSIFIER_URL: undefined,
  npm_lifecycle_event: undefined,
};
const LISTENING = /^listening on (http:\/\/\S+)$/m;

const started: Script[] = [];
function start(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): Script {
  const script = new Script('start', args, { ...PLAIN, ...env });
  started.push(script);
  return script;
}
afterEach(() => {
  for (const { process: child } of started.splice(0)) {
    const all = child.pid ? [child.pid, ...descendants(child.pid)] : [];
    for (const pid of all.filter(isAlive)) process.kill(pid, 'SIGKILL');
  }
});

const ask = (url: string) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'task_router',
      messages: [{ role: 'user', content: 'Write a Python function that reverses a list' }],
    }),
  });

async function noneLeft(pids: readonly number[]): Promise<void> {
  await until(
    () => !pids.some(isAlive),
    () => `left behind: ${pids.filter(isAlive).join(', ')}`,
  );
}

test('it says what it has, answers, and ends with all it started on SIGTERM', async () => {
  const script = start(['--port', '0']);
  const [, url] = await script.says(LISTENING);
  for (const words of [
    'policy task_router',
    'policy complexity_router',
    'Code Generation',
    `curl -si ${url}`,
  ])
    assert.ok(script.output.includes(words), `${words} is missing in:\n${script.output}`);
  const response = await ask(url!);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('x-llm-router-policy'), 'task_router');
  assert.ok(response.headers.get('x-chosen-classifier'));
  await response.text();
  const family = descendants(script.process.pid!);
  assert.ok(family.length >= 4, 'the script, its classifier, stand-ins and controller');
  const of = (pid: number, what: string) => readFileSync(`/proc/${pid}/${what}`, 'utf8').split('\0');
  const program = join(ROOT, 'services/router-controller/dist/main.mjs');
  const controller = family.find((pid) => of(pid, 'cmdline').includes(program));
  assert.ok(controller, 'the controller runs as one file');
  const set = of(controller, 'environ');
  for (const [name, value] of Object.entries(environmentOf('router-controller')))
    if (process.env[name] === undefined) assert.ok(set.includes(`${name}=${value}`), name);
  script.process.kill('SIGTERM');
  assert.equal(await script.exit, 0);
  await noneLeft(family);
});

test('SIGTERM while it starts ends it as well', async () => {
  const script = start(['--port', '0']);
  await script.says(/starting the controller/);
  const family = descendants(script.process.pid!);
  script.process.kill('SIGTERM');
  assert.equal(await script.exit, 0);
  assert.doesNotMatch(script.output, /start failed/);
  await noneLeft(family);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`${signal} before its parts are ready leaves nothing behind, nor the controller that waits for them`, async () => {
    const script = start(['--port', '0']);
    const isController = (pid: number) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('router-controller/dist/main.mjs');
      } catch {
        // It has ended meanwhile.
        return false;
      }
    };
    await until(
      () => descendants(script.process.pid!).some(isController),
      () => `no controller yet:\n${script.output}`,
    );
    const all = descendants(script.process.pid!);
    assert.doesNotMatch(script.output, /^classifier /m);
    process.kill(script.process.pid!, signal);
    await script.exit;
    assert.doesNotMatch(script.output, /start failed/);
    await noneLeft(all);
  });
}

for (const [who, pick] of [
  ['npm’s script', (script: Script) => script.process.pid!],
  ['the starter', (script: Script) => descendants(script.process.pid!)[0]!],
] as const) {
  test(`kill -9 of ${who} leaves nothing behind`, async () => {
    const script = start(['--port', '0']);
    await script.says(LISTENING);
    const family = descendants(script.process.pid!);
    process.kill(pick(script), 'SIGKILL');
    await script.exit;
    await noneLeft(family);
  });
}

test('a classifier that dies comes back on its address', async () => {
  const script = start(['--port', '0']);
  const [, url] = await script.says(LISTENING);
  const server = descendants(script.process.pid!).find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('router-server'),
  );
  process.kill(server!, 'SIGKILL');
  await script.says(/router-server ended \(SIGKILL\)/);
  await script.says(/router-server: back/);
  await until(
    async () => {
      const response = await ask(url!);
      await response.text();
      return (
        response.headers.get('x-llm-router-label') !== null &&
        !/degraded|fallback/.test(response.headers.get('x-llm-router-reason') ?? '')
      );
    },
    () => `no classified answer after the restart:\n${script.output}`,
  );
});

test('v1’s configuration starts unchanged, its router-server being the embedded one', async () => {
  const script = start(['--port', '0', '--config', 'config/v1.yaml'], { NVIDIA_API_KEY: 'nvapi-of-a-test' });
  await script.says(LISTENING);
  assert.match(script.output, /classifier grpc:\/\/127\.0\.0\.1:\d+/);
  assert.ok(!script.output.includes('nvapi-of-a-test'), 'the key is printed');
});

test('a classifier that the configuration names is the user’s own, also while it is down', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-start-'));
  const file = join(folder, 'own.yaml');
  const text = readFileSync(join(ROOT, 'config', 'router.yaml'), 'utf8').replaceAll(
    '127.0.0.1:8001',
    '127.0.0.1:9',
  );
  writeFileSync(file, text);
  const script = start(['--port', '0', '--config', file], { NVIDIA_API_KEY: 'nvapi-of-a-test' });
  try {
    await script.says(LISTENING);
    assert.match(script.output, /classifier as the configuration says/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a taken port, a bad file and a wrong flag are told, and nothing stays', async (context) => {
  const busy = createServer().listen(0, '127.0.0.1');
  context.after(() => busy.close());
  await new Promise((resolve) => busy.once('listening', resolve));
  const { port } = busy.address() as { port: number };
  const cases = [
    { args: ['--port', String(port)], words: new RegExp(`port ${port} on 127.0.0.1 is taken`) },
    {
      args: ['--config', 'no-such-file.yaml'],
      words: /no-such-file\.yaml.*\n.*can’t be read: there is no such file/,
    },
    { args: ['--prot', '1'], words: /--prot[\s\S]*--port <N>/ },
    {
      args: ['--port', 'http'],
      words: /--port <N>' argument 'http' is invalid\. It must be a whole number from 0 to 65535/,
    },
  ];
  for (const { args, words } of cases) {
    const script = start(args);
    assert.notEqual(await script.exit, 0, args.join(' '));
    assert.match(script.output, words);
    await noneLeft(descendants(script.process.pid!));
  }
});
