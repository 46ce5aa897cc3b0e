/** The processes that are measured, each alone in its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentOf, freshBundle } from '@llm-router/bundler';
import { hashKey } from '../src/authenticate/index.ts';
import { LABELS } from './fake-triton.ts';

export interface Target {
  readonly name: string;
  readonly url: string;
  /** Null: nothing of it is measured but its answers. */
  readonly pid: number | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

export interface Surroundings {
  readonly upstream: string;
  /** host:port of the classifier. */
  readonly triton: string;
  readonly redis: { readonly url: string; readonly password: string };
  /** For configuration files. */
  readonly folder: string;
}

export interface Shape {
  readonly keys: number;
  readonly policies: number;
  /** More members of `server`, as YAML. */
  readonly server?: string;
}

export const keyOf = (index: number) => `sk-llmr-bench-${String(index).padStart(8, '0')}-0123456789abcdef`;

/** Everything on: keys, two limits in Redis, a classifier without a cache of decisions, fallbacks, prices. */
export function configOf(
  { upstream, triton, redis }: Surroundings,
  { keys, policies, server = '' }: Shape,
): string {
  const entries = LABELS.map(
    (label) => `      - { name: ${label}, target: first, fallbacks: [second] }`,
  ).join('\n');
  const policy = (at: number) => `
  - name: ${at === 0 ? 'task_router' : `policy_${at}`}
    url: grpc://${triton}/task_router_ensemble
    fallback: Chatbot
    llms:
${entries}`;
  const key = (at: number) =>
    `    - { id: key_${at}, hash: '${hashKey(keyOf(at))}', tenant: tenant_${at % 100} }`;
  return `server: { port: 0, max_in_flight: 2048${server} }
redis: { url: '${redis.url}'${redis.password === '' ? '' : `, password: '${redis.password}'`}, call_timeout_ms: 5000 }
classifier: { cache_entries: 0, startup_wait_ms: 20000, deadline_ms: 5000 }
admission: { tenant_share: 1 }
auth:
  keys:
${Array.from({ length: keys }, (_, at) => key(at)).join('\n')}
limits:
  - { name: each-key, requests_per_minute: 100000000, tokens_per_minute: 1000000000000 }
  - { name: everybody, scope: global, concurrent: 100000 }
targets:
  - { name: first, api_base: '${upstream}', model: mock, api_key: upstream-key-of-the-first-one, price: { input: 1, output: 2 } }
  - { name: second, api_base: '${upstream}', model: mock, api_key: upstream-key-of-the-second, price: { input: 2, output: 4 } }
default_policy: task_router
policies:${Array.from({ length: policies }, (_, at) => policy(at)).join('')}
`;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** @param cpus as `taskset` takes them; empty: any. */
async function begin(
  name: string,
  command: string[],
  cpus: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ child: ChildProcess; url: string }> {
  const [program, ...args] = cpus === '' ? command : ['taskset', '-c', cpus, ...command];
  const child = spawn(program!, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...environment, ...process.env, NODE_ENV: 'production' },
  });
  let said = '';
  child.stderr!.on('data', (data) => {
    said = (said + data).slice(-2_000);
  });
  const url = await new Promise<string>((resolve, reject) => {
    let out = '';
    child.stdout!.on('data', (data) => {
      out += data;
      const found = /^ready (\S+)/m.exec(out);
      if (found) resolve(found[1]!);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}: ${said}`)));
  });
  return { child, url };
}

interface RunningOptions {
  readonly key?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

async function running(
  name: string,
  command: string[],
  cpus: string,
  { key, environment = {} }: RunningOptions = {},
): Promise<Target> {
  const { child, url } = await begin(name, command, cpus, environment);
  return {
    name,
    url,
    pid: child.pid!,
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    stop: async () => {
      const over = ended(child);
      // Not by a signal, which a tracer in between would keep for itself.
      child.stdin!.end();
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await over;
      clearTimeout(late);
    },
  };
}

export const startFloor = ({ upstream }: Surroundings, cpus: string): Promise<Target> =>
  running('undici-raw', [process.execPath, join(import.meta.dirname, 'floor.ts'), upstream], cpus);

export interface ControllerOptions {
  readonly name: string;
  readonly shape?: Partial<Shape>;
  /** Folder of the repository whose controller it is. */
  readonly root: string;
  /** From its sources, as tests run it and a profile names them; default: as it is shipped. */
  readonly sources?: boolean;
  readonly nodeArgs?: readonly string[];
  /** A program that runs it, with its options; default: none. */
  readonly under?: readonly string[];
  readonly cpus: string;
}

export async function startController(around: Surroundings, options: ControllerOptions): Promise<Target> {
  const { name, shape, root, sources = false, nodeArgs = [], under = [], cpus } = options;
  const config = join(around.folder, `${name}.yaml`);
  writeFileSync(config, configOf(around, { keys: 1, policies: 1, ...shape }));
  const service = 'router-controller';
  const main = sources ? join(root, 'services', service, 'src/main.ts') : await freshBundle(service, root);
  const command = [...under, process.execPath, ...nodeArgs, main, '--config', config, '--exit-with-parent'];
  return running(name, command, cpus, { key: keyOf(0), environment: environmentOf(service) });
}

/** The upstream itself: what is added to its times is the target's. */
export const direct = ({ upstream }: Surroundings): Target => ({
  name: 'direct',
  url: upstream,
  pid: null,
  headers: {},
  stop: async () => {},
});
