/** Every process of ours that runs until it is told to: SIGTERM ends it well, at whatever moment of its start it comes. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, test } from 'node:test';
import { programOf } from '../../services/bundler/src/program.ts';
import { ROOT } from '../parts/lib.ts';
import { descendants, isAlive, until } from './processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-endings-'));
after(() => rmSync(folder, { recursive: true }));
/** The shipped configuration, which waits for no classifier, and these sections. */
function configuration(name: string, sections: string): string {
  const file = join(folder, `${name}.yaml`);
  const shipped = readFileSync(join(ROOT, 'config', 'router.yaml'), 'utf8');
  const impatient = shipped.replace(/^classifier:$/m, '$&\n  startup_wait_ms: 1');
  assert.notEqual(impatient, shipped);
  writeFileSync(file, `${impatient}\n${sections}\n`);
  return file;
}

const started: ChildProcess[] = [];
afterEach(() => {
  for (const { pid } of started.splice(0))
    for (const each of pid ? [pid, ...descendants(pid)] : [])
      if (isAlive(each)) process.kill(each, 'SIGKILL');
});

interface Started {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
  /** Resolves at the moment of a line that matches. */
  readonly says: (pattern: RegExp) => Promise<void>;
}

function begin(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Started {
  const child = spawn(command, args, {
    cwd: ROOT,
    // A user's machine: no key, no npm above.
    env: { ...process.env, NVIDIA_API_KEY: undefined, npm_lifecycle_event: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  const exited = once(child, 'exit');
  let said = '';
  child.stderr!.on('data', (chunk) => {
    said += chunk;
  });
  const reader = createInterface({ input: child.stdout! });
  const says = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      reader.on('line', (line) => {
        said += `${line}\n`;
        if (pattern.test(line)) resolve();
      });
      void exited.then((how) => reject(new Error(`ended (${how}) before ${pattern}:\n${said}`)));
    });
  return { child, exited, says };
}

const service = (name: string) => programOf(join(ROOT, 'services', name, 'src', 'main.ts'));
const CONTROLLER = [service('router-controller'), '--port', '0', '--config'];
const STANDING_IN = { LLM_ROUTER_STAND_IN_URL: 'http://127.0.0.1:1' };

for (const [name, args] of [
  ['stand-in-llms', [service('stand-in-llms')]],
  ['playground', [service('playground'), '--port', '0']],
  [
    'router-server',
    [service('router-server'), '--repository', 'model_repository', '--grpc-port', '0', '--http-port', '0'],
  ],
  ['router-controller', [...CONTROLLER, configuration('alone', 'server: { port: 0 }')]],
  [
    'router-controller with workers',
    [
      ...CONTROLLER,
      configuration('workers', "server: { workers: 2 }\nredis: { url: 'redis://127.0.0.1:1' }"),
    ],
  ],
] as const)
  test(`${name}: SIGTERM at the very line that says it serves ends it with 0`, async () => {
    const { child, exited, says } = begin(process.execPath, args, STANDING_IN);
    await says(/^ready /);
    const family = descendants(child.pid!);
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
    assert.deepEqual(family.filter(isAlive), []);
  });

const LAUNCHER = join(ROOT, 'services', 'cli', 'bin', 'llm-router.mjs');
const START = [LAUNCHER, 'start', '--port', '0'];
/** What `node` is for whoever npm runs. */
const AS_NPM = { PATH: [join(ROOT, 'node_modules', '.bin'), process.env.PATH].join(delimiter) };

/** What `start` says, from the first to the last. */
const MOMENTS: readonly RegExp[] = [
  /^configuration /,
  /^starting the classifier/,
  /^classifier /,
  /starting local stand-ins/,
  /^starting the controller/,
  /^policy /,
  /^listening on /,
];

for (const moment of MOMENTS)
  test(`start: SIGTERM at ${moment} ends it with 0, and nothing is left`, async () => {
    const { child, exited, says } = begin('node', START, AS_NPM);
    await says(moment);
    const family = descendants(child.pid!);
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
    await until(
      () => !family.some(isAlive),
      () => `left behind: ${family.filter(isAlive).join(', ')}`,
    );
  });

for (const command of ['start', 'top'])
  test(`${command}: SIGTERM before the command has read its options ends it with 0`, async (context) => {
    // Takes connections and never answers: on a quick machine `top` has asked before the signal comes.
    const silent = createServer().listen(0, '127.0.0.1');
    context.after(() => silent.close());
    await once(silent, 'listening');
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const words = command === 'top' ? [command, '--url', url] : [command];
    const { child, exited } = begin('node', [LAUNCHER, ...words], AS_NPM);
    await until(
      () => descendants(child.pid!).length > 0 || child.exitCode !== null,
      () => 'the launcher starts nothing',
    );
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  });

test('a second SIGTERM ends a start that drains, with all it started', async () => {
  const file = configuration('slow', 'server: { drain_delay_ms: 25000 }');
  const { child, exited, says } = begin('node', [...START, '--config', file, '--stand-ins']);
  await says(/^listening on /);
  const family = descendants(child.pid!);
  child.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  assert.equal(child.exitCode, null);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [143, null]);
  await until(
    () => !family.some(isAlive),
    () => `left behind: ${family.filter(isAlive).join(', ')}`,
  );
});
