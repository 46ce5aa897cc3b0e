/** A whole router at work, with everything going wrong that panels have lines for. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { programOf } from '../../services/bundler/src/program.ts';
import { Child } from '../../services/cli/src/processes/child.ts';
import { hashKey } from '../../services/router-controller/src/authenticate/index.ts';
import { parseConfig } from '../../services/router-controller/src/config/index.ts';
import { startRouterServer } from '../../services/router-server/src/index.ts';
import { parseFault, startStandInLlms } from '../../services/stand-in-llms/src/index.ts';
import { startTriton } from '../../services/triton/src/start-triton.ts';
import { ROOT } from '../parts/lib.ts';

export type ClassifierKind = 'triton' | 'router-server';

export interface Scene {
  readonly url: string;
  /** Prometheus' jobs: what to scrape. */
  readonly scrape: Readonly<Record<string, string>>;
  /** Parts of panels' `needs` that are here. */
  readonly has: ReadonlySet<string>;
  /** Requests answered so far, by status. */
  readonly answered: ReadonlyMap<number | string, number>;
  readonly stop: () => Promise<void>;
}

/** What each model of the stand-ins does wrong; a number N: every Nth request. */
const FAULTS: Readonly<Record<string, readonly [every: number, fault: string]>> = {
  large: [1, 'slow-drip:4'],
  flaky: [3, 'status:500'],
  dead: [1, 'status:503'],
  locked: [1, 'status:401'],
  gone: [1, 'status:404'],
  cut: [2, 'truncate:3'],
  slow: [1, 'slow-drip:25'],
};
const PRICES: Readonly<Record<string, object>> = {
  small: { input: 0.1, output: 0.3 },
  large: { input: 2, cached_input: 0.5, output: 8 },
};

const KEYS = ['blue', 'green', 'limited'].map((tenant) => ({
  tenant,
  key: `llmr_dashboards-${tenant}-0001`,
}));

/** The task policy of the shipped configuration, over targets of our own. */
function configuration(llm: string, classifier: string): object {
  const shipped = parseConfig(readFileSync(join(ROOT, 'config', 'router.yaml'), 'utf8'), 'router.yaml', {
    env: { NVIDIA_API_KEY: 'unused' },
  });
  const labels = (policy: string) => [...shipped.table.policies.get(policy)!.entries.keys()];
  const targets = ['small', ...Object.keys(FAULTS)].map((model) => ({
    name: model,
    api_base: `${llm}/v1`,
    model,
    ...(PRICES[model] && { price: PRICES[model] }),
  }));
  const wrong = ['flaky', 'dead', 'locked', 'gone', 'cut', 'slow'];
  const entries = (policy: string) =>
    labels(policy).map((name, index) => {
      const target =
        index < wrong.length * 2 && index % 2 ? wrong[index >> 1]! : index % 4 ? 'large' : 'small';
      return { name, target, fallbacks: target === 'cut' || target === 'small' ? [] : ['small'] };
    });
  const policy = (name: string, more: object) => ({
    name,
    url: `grpc://${classifier}/${name}_ensemble`,
    fallback: labels(name)[0],
    llms: entries(name),
    ...more,
  });
  return {
    default_policy: 'task_router',
    logging: { level: 'error' },
    // Few places, so that requests wait.
    server: { max_in_flight: 4, max_queue: 64 },
    classifier: { deadline_ms: 5_000 },
    prompt: { max_chars: 2_000 },
    upstream: { breaker_failures: 3, breaker_open_ms: 5_000, retry_first_ms: 5, retry_max_ms: 10 },
    auth: {
      failures_per_minute: 100_000,
      keys: KEYS.map(({ tenant, key }) => ({ id: `key-${tenant}`, tenant, hash: hashKey(key) })),
    },
    limits: [
      { name: 'few', scope: 'tenant', match: 'limited', requests_per_minute: 6, burst: 2 },
      { name: 'would-be', scope: 'tenant', match: 'green', requests_per_minute: 30, burst: 5, shadow: true },
    ],
    budgets: [{ name: 'day', scope: 'tenant', period: 'day', usd: 1 }],
    targets,
    policies: [
      policy('task_router', {
        threshold: 0.6,
        sticky: { enabled: true },
        shadow: { policy: 'complexity_router', share: 0.3 },
      }),
      policy('complexity_router', {}),
    ],
  };
}

const PROMPTS = [
  'Write a Python function that reverses a linked list.',
  'Give me ten ideas for a birthday party for a seven-year-old who loves dinosaurs.',
  'Rewrite this sentence so that it sounds more formal: hey, gimme the report by noon ok?',
  'Hello! How are you today?',
  'Summarize the following minutes in one paragraph: the committee met on Tuesday.',
  'Extract all dates from: we met on 3 May and again on 7 June 2024.',
  'What is the capital of Australia?',
  'A train leaves at 3 pm at 60 km/h, another at 4 pm at 90 km/h. When does the second catch up?',
  'blue seven of perhaps',
];

/** One of many kinds of request, in turn. */
function requestOf(
  n: number,
  models: readonly string[],
): { tenant: number; body: object; leave: boolean; session: string } {
  const prompt = PROMPTS[n % PROMPTS.length]!;
  const content =
    n % 23 === 5 ? `${prompt} ${'and so on '.repeat(400)}` : n % 4 ? prompt : `${prompt} (${n})`;
  const routed =
    n % 3 === 0
      ? {
          'nim-llm-router': {
            policy: 'task_router',
            routing_strategy: 'manual',
            model: models[(n / 3) % models.length],
          },
        }
      : { model: n % 5 ? 'task_router' : 'complexity_router' };
  return {
    // The second digit, so that every tenant sends every kind.
    tenant: Math.floor(n / 3) % 7 === 0 ? 2 : n % 2,
    body: { ...routed, stream: n % 2 === 0, messages: [{ role: 'user', content }] },
    leave: n % 29 === 12,
    session: `session-${n % 40}`,
  };
}

async function traffic(
  url: string,
  signal: AbortSignal,
  answered: Map<number | string, number>,
): Promise<void> {
  const models = ['small', ...Object.keys(FAULTS)];
  let next = 0;
  const one = async (n: number) => {
    const { tenant, body, leave, session } = requestOf(n, models);
    const key = n % 31 === 7 ? 'llmr_nobody-knows-this-key' : KEYS[tenant]!.key;
    const gone = AbortSignal.timeout(leave ? 40 : 60_000);
    const count = (status: number | string) => answered.set(status, (answered.get(status) ?? 0) + 1);
    try {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${key}`,
          'x-session-id': session,
        },
        body: JSON.stringify(body),
        signal: AbortSignal.any([gone, signal]),
      });
      await response.arrayBuffer();
      count(response.status);
    } catch (error) {
      if (!signal.aborted && !leave) count((error as Error).name);
    }
  };
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!signal.aborted) {
        await one(next++);
        await sleep(60, undefined, { signal }).catch(() => {});
      }
    }),
  );
}

/** Starts everything and sends traffic until it is stopped. */
export async function startScene(kind: ClassifierKind): Promise<Scene> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    const repository = join(ROOT, 'model_repository');
    const scrape: Record<string, string> = {};
    let grpc: string;
    if (kind === 'triton') {
      const triton = await startTriton({ repository });
      stops.push(triton.stop);
      scrape.triton = triton.metrics;
      grpc = triton.grpc;
    } else {
      const server = await startRouterServer({ repository, pollSeconds: 0, threads: 1 });
      stops.push(server.close);
      grpc = server.grpc;
    }
    const asked = new Map<string, number>();
    const llms = await startStandInLlms({
      fault: ({ body }) => {
        const model = String(body.model);
        const n = (asked.get(model) ?? 0) + 1;
        asked.set(model, n);
        const fault = FAULTS[model];
        return fault && n % fault[0] === 0 ? parseFault(fault[1]) : null;
      },
    });
    stops.push(llms.close);
    const folder = mkdtempSync(join(tmpdir(), 'llm-router-dashboards-'));
    stops.push(async () => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'router.yaml');
    writeFileSync(file, JSON.stringify(configuration(llms.url, grpc)));
    const main = programOf(join(ROOT, 'services', 'router-controller', 'src', 'main.ts'));
    const controller = new Child('router', main, ['--config', file, '--port', '0'], {});
    stops.push(() => controller.stop());
    const url = /ready (\S+)/.exec(await controller.start())![1]!;
    scrape['llm-router'] = `${url}/metrics`;
    const answered = new Map<number | string, number>();
    const end = new AbortController();
    const running = traffic(url, end.signal, answered);
    stops.push(() => {
      end.abort();
      return running;
    });
    return { url, scrape, has: new Set(kind === 'triton' ? ['triton'] : []), answered, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
