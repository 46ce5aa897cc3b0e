/** What is asked of the running project, one after the other. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { panelsOf } from '../../../deploy/grafana/src/board.ts';
import { BOARDS } from '../../../deploy/grafana/src/boards.ts';
import { fillIn } from '../../dashboards/ask.ts';
import { type Answer, classified, completed, type Stack, streamed, until } from './stack.ts';

export interface Check {
  readonly name: string;
  readonly isQuick?: boolean;
  /** When it fails, a container was not healthy. */
  readonly isHealth?: boolean;
  /** Absent: with every profile. */
  readonly profile?: string;
  /** @returns what it has found out, in a few words. @throws Error that says what is wrong. */
  readonly run: (stack: Stack) => Promise<string>;
}

const CONTROLLER = 'router-controller';
const JOB = 'load-generator';
const CLASSIFIERS = ['router-server', 'triton-cpu'];
const status = (wanted: number) => (answer: Answer) =>
  answer.status === wanted ? null : `${answer.status} in place of ${wanted}: ${answer.text.slice(0, 200)}`;

/** How long panels may take to have data. */
const PANELS_MS = 120_000;
const PORTS = ['8084', '8085'] as const;

/** Each completion has to come whatever is being killed; how the router got to it is another matter. */
const asking = (stack: Stack) => async () => {
  const number = stack.requests;
  await (number % 2 ? stack.chat({ stream: true }, streamed) : stack.chat({}, completed));
  await sleep(100);
};

async function metric(stack: Stack, query: string): Promise<number> {
  const url = `http://127.0.0.1:9090/api/v1/query?query=${encodeURIComponent(query)}`;
  const { data } = JSON.parse((await stack.fetch(url)).text) as {
    data: { result: { value: [number, string] }[] };
  };
  return Number(data.result[0]?.value[1]);
}

const models = async (stack: Stack) => {
  const headers = { authorization: `Bearer ${stack.key}` };
  return (await stack.fetch(stack.url('/v1/models'), { headers })).text;
};

/** Calls that Grafana would make for every panel. */
async function askPanels(stack: Stack): Promise<string> {
  const port = stack.orders.env.GRAFANA_PORT!;
  const found = JSON.parse((await stack.fetch(stack.url('/api/search', port))).text) as string[];
  assert.deepEqual([...found].sort(), BOARDS.map(({ uid }) => uid).sort(), 'Grafana’s dashboards');
  await until(
    'Prometheus has scraped the controller',
    async () => (await metric(stack, 'up{job="llm-router"}')) === 1,
  );
  await until(
    'its requests are in Prometheus',
    async () => (await metric(stack, 'sum(llm_router_requests_total)')) > 0,
  );
  let asked = 0;
  let withData = 0;
  const ask = async () => {
    asked = 0;
    withData = 0;
    for (const board of BOARDS) {
      for (const { title, queries } of panelsOf(board)) {
        for (const { expr } of queries) {
          const path = `/api/datasources/proxy/api/v1/query?query=${encodeURIComponent(fillIn(expr))}`;
          const answer = await stack.fetch(stack.url(path, port));
          assert.equal(answer.status, 200, `${board.title}, ${title}: ${answer.text.slice(0, 200)}`);
          asked++;
          if ((JSON.parse(answer.text) as { data: { result: unknown[] } }).data.result.length > 0) withData++;
        }
      }
    }
  };
  // Rates need two scrapes in their window, which Prometheus makes in its own time; traffic goes on until then.
  for (const end = Date.now() + PANELS_MS; ; ) {
    await ask();
    if (withData > asked / 4) break;
    assert.ok(Date.now() < end, `only ${withData} of ${asked} queries have an answer`);
    for (let n = 0; n < 20; n++) await asking(stack)();
  }
  return `${asked} queries, ${withData} with data`;
}

/** The address of another container's port is not open to the machine: only by what compose publishes. */
const refused = (port: number) =>
  new Promise<boolean>((resolve) => {
    request({ host: '127.0.0.1', port, timeout: 1_000 })
      .once('error', () => resolve(true))
      .once('response', () => resolve(false))
      .end();
  });

export const CHECKS: readonly Check[] = [
  {
    name: 'docker compose up --wait: all healthy',
    isQuick: true,
    isHealth: true,
    run: async (stack) => {
      await stack.compose(
        'up',
        '--detach',
        '--wait',
        '--wait-timeout',
        '240',
        '--no-build',
        '--pull',
        'never',
      );
      const services = await stack.services();
      for (const service of services) assert.ok(await stack.isHealthy(service), `${service} is not healthy`);
      return `${services.length} containers`;
    },
  },
  {
    name: 'a completion, classified; a whole stream; no key, no answer',
    isQuick: true,
    run: async (stack) => {
      const answer = await stack.chat({}, classified);
      await stack.chat({ stream: true }, streamed);
      await stack.chat({}, status(401), { key: null });
      return `label ${answer?.headers.get('x-llm-router-label')}`;
    },
  },
  {
    name: 'only what is published is reached; the playground answers',
    isQuick: true,
    run: async (stack) => {
      const page = await stack.fetch(stack.url('/', stack.orders.env.PLAYGROUND_PORT));
      assert.equal(page.status, 200);
      for (const port of [6379, 8000, 8001, 9000]) assert.ok(await refused(port), `port ${port} is open`);
      return 'ok';
    },
  },
  {
    name: 'a key made by keys-cli; its limit counts over two controllers',
    run: async (stack) => {
      // Two ports for two of them; with one there is one, because a container that starts again may take the other.
      const up = ['up', '--detach', '--wait', '--no-build', '--pull', 'never', '--scale'];
      await stack.composeWith({ ROUTER_PORT: PORTS.join('-') }, ...up, `${CONTROLLER}=2`);
      const create = ['node', 'services/router-controller/src/keys-cli.ts', 'create'];
      const flags = ['--config', '/app/config/stack.yaml', '--tenant', 'acme', '--rpm', '6'];
      const told = await stack.compose('exec', '--no-TTY', CONTROLLER, ...create, ...flags);
      const key = /llmr_\S+|sk-\S+/.exec(told)?.[0];
      assert.ok(key, `no key in: ${told.slice(0, 100)}`);
      const answers = { 200: 0, 429: 0 };
      for (let n = 0; n < 12; n++) {
        const answer = await stack.chat({}, (each) => (each.status === 429 ? null : completed(each)), {
          key,
          port: PORTS[n % 2]!,
        });
        if (answer?.status === 200 || answer?.status === 429) answers[answer.status]++;
      }
      // A token or so comes back while they are sent.
      assert.ok(answers[200] >= 6 && answers[200] <= 8, `${JSON.stringify(answers)} of 12 with 6 a minute`);
      await stack.compose(...up, `${CONTROLLER}=1`);
      await until(
        'the second controller is gone',
        async () => (await stack.containersOf(CONTROLLER)).length === 1,
      );
      return `${answers[200]} answered, ${answers[429]} refused`;
    },
  },
  {
    name: 'dashboards’ queries, as Grafana asks them',
    run: async (stack) => {
      for (let n = 0; n < 40; n++) await asking(stack)();
      return askPanels(stack);
    },
  },
  {
    name: 'a changed configuration is taken, a bad one refused',
    isQuick: true,
    run: async (stack) => {
      const { config } = stack.orders;
      const text = readFileSync(config, 'utf8');
      appendFileSync(config, '\naliases: { a-new-name: task_router }\n');
      await until('the new alias is a model', async () => (await models(stack)).includes('a-new-name'));
      await stack.chat({ model: 'a-new-name' }, classified);
      writeFileSync(config, text.replace('default_policy: task_router', 'default_policy: no_such_policy'));
      const logs = () => stack.compose('logs', '--no-color', CONTROLLER);
      await until('the refusal is in the log', async () => (await logs()).includes('no_such_policy'));
      await stack.chat({ model: 'a-new-name' }, classified);
      writeFileSync(config, text);
      await until('the alias is gone', async () => !(await models(stack)).includes('a-new-name'));
      return 'ok';
    },
  },
  {
    name: 'the classifier killed and back; every request answered meanwhile',
    isQuick: true,
    isHealth: true,
    run: async (stack) => {
      const services = await stack.services();
      const classifier = CLASSIFIERS.find((name) => services.includes(name))!;
      await stack.killAndWait(classifier, asking(stack));
      await until('it classifies again', async () => {
        const answer = await stack.chat({}, completed);
        return answer !== null && classified(answer) === null;
      });
      return classifier;
    },
  },
  {
    name: 'each other part killed and back',
    isHealth: true,
    run: async (stack) => {
      const rest = (await stack.services()).filter((name) => !CLASSIFIERS.includes(name));
      for (const service of rest) {
        // Without models or without a controller nobody can be answered.
        const answers = service !== CONTROLLER && service !== 'stand-in-llms';
        await stack.killAndWait(service, answers ? asking(stack) : undefined);
        await until(`answers after ${service} was killed`, async () => {
          const answer = await stack.fetch(stack.url('/readyz'));
          return answer.status === 200;
        });
        await stack.chat({}, completed);
      }
      return rest.join(', ');
    },
  },
  {
    name: 'the load generator runs to its end',
    profile: 'loadtest',
    run: async (stack) => {
      // Its containers have addresses of the range for tests, which it takes for somebody else's unless it is told.
      const flags = ['--url', 'http://router-controller:8084', '--rate', '5', '--seconds', '10'];
      const told = await stack.compose('run', '--rm', '--no-TTY', JOB, ...flags, '--i-own-this-target');
      return told.trim().split('\n').at(-1)!.slice(0, 80);
    },
  },
  {
    name: 'docker compose down --volumes leaves nothing',
    isQuick: true,
    run: async (stack) => {
      await stack.compose('down', '--volumes', '--timeout', '30');
      const left = (await stack.api.containers()).flatMap(({ Names }) => Names);
      const { Volumes } = (await stack.api.call('GET', '/volumes')) as { Volumes: { Name: string }[] | null };
      const networks = (await stack.api.call('GET', '/networks')) as { Name: string }[];
      assert.deepEqual(
        [...left, ...(Volumes ?? []).map(({ Name }) => Name), ...networks.map(({ Name }) => Name).sort()],
        ['bridge', 'host', 'none'],
      );
      return 'no container, volume, network';
    },
  },
];
