/**
 * `npm run stack` on real parts: traffic in, Prometheus scrapes, the dashboards' queries are answered, an alert of the
 * shipped rules fires and clears, what dies comes back, and
 * nothing is left afterwards. The tests share one stack and build on each other in their order.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { askAll, hasData } from '../dashboards/ask.ts';
import { ROOT } from '../parts/lib.ts';
import { type PrometheusApi, prometheusAt } from '../parts/start-prometheus.ts';
import { descendants, isAlive, Script, until } from './processes.ts';
import { chat, manual, traffic } from './stack-traffic.ts';

const KEY = 'sk-llmr-of-the-stack-test';
const REDIS_PASSWORD = 'password-of-the-stack-test';
const folder = mkdtempSync(join(tmpdir(), 'llm-router-stack-test-'));
const file = join(folder, 'router.yaml');

/** The shipped configuration and two targets that fail: one whose key is refused, one that has lost its model. */
const configuration = (lockedFault: string) =>
  `logging: { level: warn }\n${readFileSync(join(ROOT, 'config', 'stack.yaml'), 'utf8')}`
    .replace(
      'targets:\n',
      `targets:\n${[
        ['locked', `locked${lockedFault}`],
        ['gone', 'gone#fault=status:404'],
      ]
        .map(([name, model]) => `  - { name: ${name}, api_base: http://unused, model: "${model}" }\n`)
        .join('')}`,
    )
    // A busy machine is not what is tested.
    .replace('deadline_ms: 2000', 'deadline_ms: 60000')
    .replace('- name: Other\n        target: mixtral-8x22b', '- name: Other\n        target: locked')
    .replace('- name: Unknown\n        target: llama-8b', '- name: Unknown\n        target: gone');

/** The shipped rules, that one alert's `for: 2m` cut short: promtool proves it at its full length (alerts.test.ts). */
const rules = join(folder, 'rules.yaml');
function hastyRules(): string {
  const [before, alert] = readFileSync(join(ROOT, 'deploy/prometheus/rules/llm-router.yaml'), 'utf8').split(
    '- alert: LlmRouterUpstreamKeyRefused\n',
  );
  const hasty = alert!.replace('for: 2m', 'for: 5s');
  assert.notEqual(hasty, alert);
  return `${before}- alert: LlmRouterUpstreamKeyRefused\n${hasty}`;
}

const FREE_PORTS = ['--port', '0', '--playground-port', '0', '--prometheus-port', '0'];

async function noneLeft(family: readonly number[]): Promise<void> {
  await until(
    () => !family.some(isAlive),
    () => `left behind: ${family.filter(isAlive).join(', ')}`,
  );
}

let script: Script;
let prometheus: PrometheusApi;
const address = (name: string) => script.says(new RegExp(`^  ${name} +(\\S+)$`, 'm')).then(([, url]) => url!);

before(async () => {
  writeFileSync(file, configuration('#fault=status:401'));
  writeFileSync(rules, hastyRules());
  const args = ['--config', file, '--stand-ins', ...FREE_PORTS, '--scrape-seconds', '1', '--rules', rules];
  script = new Script('stack', args, {
    LLM_ROUTER_API_KEY: KEY,
    REDIS_PASSWORD,
    REDIS_URL: undefined,
    NVIDIA_API_KEY: undefined,
    npm_lifecycle_event: undefined,
  });
  await script.says(/^stack is up/m);
  prometheus = prometheusAt(await address('Prometheus'));
});

after(async () => {
  const family = script.process.pid ? [script.process.pid, ...descendants(script.process.pid)] : [];
  for (const pid of family.filter(isAlive)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Names of the alerts in a state, with the target that they are about. */
async function firing(): Promise<string[]> {
  const { alerts: all } = (await prometheus.api('alerts')) as {
    alerts: { state: string; labels: Record<string, string> }[];
  };
  return all
    .filter((alert) => alert.state === 'firing')
    .map(({ labels }) => [labels.alertname, labels.target].filter(Boolean).join(' '));
}

const untilFiring = (name: string, wanted = true) =>
  until(
    async () => (await firing()).includes(name) === wanted,
    () => `${name} is ${wanted ? 'not' : 'still'} firing`,
  );

/** Process ids under the stack whose command line has a word. */
const running = (word: string) =>
  descendants(script.process.pid!).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  });

test('the router asks for a key, takes its own, and decides by Triton', async () => {
  const url = await address('router');
  assert.equal((await chat(url, null, { model: 'task_router' })).status, 401);
  const { status, headers } = await chat(url, KEY, { model: 'task_router' });
  assert.equal(status, 200);
  assert.equal(headers.get('x-llm-router-label'), 'Code Generation');
  assert.equal(headers.get('x-llm-router-reason'), 'classified');
  assert.ok(!script.output.includes(KEY), 'a key that was given is printed');
});

test('the playground is up with the stack’s key', async () => {
  const url = await address('playground');
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  const { status, headers } = await chat(`${url}/v1`, null, { model: 'task_router' });
  assert.equal(status, 200);
  assert.equal(headers.get('x-llm-router-label'), 'Code Generation');
});

test('traffic of two tenants is scraped, panels have data, and alerts of the shipped rules fire', async () => {
  const url = await address('router');
  // A second tenant, whose key is made as an operator would and lives in the stack's Redis.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, 'scripts/npm.mjs'), 'keys', 'create', '--config', file, '--tenant', 'acme'],
    {
      env: {
        ...process.env,
        REDIS_URL: await address('Redis'),
        REDIS_PASSWORD,
        LLM_ROUTER_KEY_HASH: `sha256:${'0'.repeat(64)}`,
        LLM_ROUTER_STAND_IN_URL: 'http://unused',
      },
    },
  );
  const [, acme] = /^key +(\S+)$/m.exec(stdout)!;
  const end = new AbortController();
  const sending = traffic(url, [KEY, acme!], ['locked', 'gone'], end.signal);
  try {
    // `for: 0m`: it fires at its second request.
    await untilFiring('LlmRouterModelRetired gone');
    await untilFiring('LlmRouterUpstreamKeyRefused locked');
    const up = await prometheus.query('up == 1');
    assert.deepEqual(up.map(({ metric }) => metric.job).sort(), ['llm-router', 'prometheus', 'triton']);
    let empty: string[] = [];
    await until(
      async () => {
        const answers = await askAll(prometheus, new Set(['triton']));
        const here = answers.filter(({ absent }) => absent === null);
        assert.ok(here.length > 40, `only ${here.length} panels were asked`);
        empty = here.filter((answer) => !hasData(answer)).map(({ panel }) => panel.title);
        return empty.length <= 1;
      },
      () => `no data: ${empty.join(', ')}`,
    );
    // So little traffic never queues.
    assert.deepEqual(empty, ['Wait in the queue, p95']);
    const tenants = await prometheus.query('sum by (tenant) (llm_router_tenant_tokens_total)');
    assert.deepEqual(tenants.map(({ metric }) => metric.tenant).sort(), ['acme', 'demo']);
  } finally {
    end.abort();
    const sent = await sending;
    assert.ok((sent.get(200) ?? 0) > 10, JSON.stringify([...sent]));
  }
});

test('an alert that fires clears when its cause is gone', async () => {
  const url = await address('router');
  await untilFiring('LlmRouterUpstreamKeyRefused locked');
  // The file is read again without a restart.
  writeFileSync(file, configuration(''));
  await until(
    async () => (await chat(url, KEY, manual('locked'))).status === 200,
    () => `the target is still refused:\n${script.output}`,
  );
  await untilFiring('LlmRouterUpstreamKeyRefused locked', false);
});

for (const [name, word] of [
  ['Triton', 'tritonserver'],
  ['Redis', 'redis-server'],
  ['Prometheus', 'storage.tsdb.path'],
] as const) {
  test(`${name} is brought back on its address when it dies`, async () => {
    const [pid] = running(word);
    process.kill(pid!, 'SIGKILL');
    await script.says(new RegExp(`^${name}: back$`, 'm'));
    const since = Date.now() / 1000;
    assert.ok(!running(word).includes(pid!), 'it is another process');
    const url = await address('router');
    await until(
      async () => {
        // A new prompt each time, because answers of the classifier are cached.
        const prompt = `Write a Python function that adds ${Date.now()} to its argument.`;
        const { status, headers } = await chat(url, KEY, { model: 'task_router' }, prompt);
        return status === 200 && headers.get('x-llm-router-reason') === 'classified';
      },
      () => `no classified answer after the restart:\n${script.output}`,
    );
    await until(
      async () => (await prometheus.query(`timestamp(up == 1) > ${since}`).catch(() => [])).length === 3,
      () => 'Prometheus does not reach all again',
    );
  });
}

test('SIGTERM ends all of it in order and leaves nothing', async () => {
  const family = descendants(script.process.pid!);
  const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('llm-router-stack-'));
  const before = folders().length;
  script.process.kill('SIGTERM');
  assert.equal(await script.exit, 0);
  await noneLeft(family);
  assert.equal(folders().length, before - 1, 'its folder is still there');
});

test('SIGTERM while Triton starts ends it as well', async () => {
  const starting = new Script('stack', FREE_PORTS);
  await starting.says(/^starting the classifier/m);
  const family = descendants(starting.process.pid!);
  starting.process.kill('SIGTERM');
  assert.equal(await starting.exit, 0);
  assert.doesNotMatch(starting.output, /did not start/);
  await noneLeft(family);
});

test('kill -9 leaves no process behind', async () => {
  const killed = new Script('stack', FREE_PORTS);
  await killed.says(/^stack is up/m);
  const family = descendants(killed.process.pid!);
  assert.ok(family.length >= 5, 'the script, Redis, Triton, stand-ins, the controller and Prometheus');
  // npm's script is above it.
  process.kill(family[0]!, 'SIGKILL');
  await killed.exit;
  await noneLeft(family);
});

test('a port that is taken and a file that is wrong are told before anything starts', async () => {
  const busy = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => busy.once('listening', resolve));
  const port = String((busy.address() as { port: number }).port);
  const cases = [
    {
      args: ['--port', '0', '--prometheus-port', port],
      words: new RegExp(`port ${port} is taken; choose another with --prometheus-port`),
    },
    {
      args: ['--port', port, '--playground-port', port],
      words: new RegExp(`--playground-port is ${port}, and so is --port`),
    },
    { args: ['--config', 'no-such-file.yaml', '--port', '0'], words: /no-such-file\.yaml/ },
    { args: ['--classifier', 'none'], words: /--classifier must be triton or router-server, not 'none'/ },
  ];
  for (const { args, words } of cases) {
    const failing = new Script('stack', args);
    assert.notEqual(await failing.exit, 0);
    assert.match(failing.output, words);
    assert.doesNotMatch(failing.output, /starting/);
  }
  busy.close();
});
