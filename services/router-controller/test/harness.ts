/** Starts a controller with real parts around it, on free ports, and takes everything down again. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { type RouterServer, startRouterServer } from '@llm-router/router-server';
import { type StandInOptions, type StandIns, startStandInLlms } from '@llm-router/stand-in-llms';
import type { Time } from '../src/call/index.ts';
import { loadConfig, type WatchTimes } from '../src/config/index.ts';
import type { ModelClient } from '../src/decide/classify/model-client.ts';
import { createLog, createMetrics, type Metrics } from '../src/observe/index.ts';
import { type Router, startRouter } from '../src/router.ts';

export const ROOT = resolve(import.meta.dirname, '../../..');
export const MODELS = join(ROOT, 'model_repository');
export const V1_CONFIG = readFileSync(join(ROOT, 'config', 'v1.yaml'), 'utf8');
/** The shipped configuration, which waits for its classifier on a machine that does much else, too. */
export const ROUTER_CONFIG = readFileSync(join(ROOT, 'config', 'router.yaml'), 'utf8').replace(
  'deadline_ms: 2000',
  'deadline_ms: 60000',
);

export interface Whole {
  readonly url: string;
  readonly router: Router;
  readonly llms: StandIns;
  readonly metrics: Metrics;
  /** Everything that was logged. */
  readonly logged: () => string;
  /** Puts another configuration file in place of the one it has, at once as `mv` does. */
  readonly rewrite: (config: string) => void;
  readonly stop: () => Promise<void>;
}

export interface WholeOptions {
  /** Configuration; `{LLM}` stands for the stand-ins' URL. */
  readonly config: string;
  readonly classifierUrl?: string;
  /** Replace every api_base with the stand-ins'. Default: true. */
  readonly standIns?: boolean;
  readonly llms?: StandInOptions;
  readonly connect?: () => ModelClient;
  /** Replaces the call step's clock and timers. */
  readonly time?: Time;
  /** Watch the configuration file, at shorter times than the router's own. Default: false. */
  readonly watch?: boolean | Partial<WatchTimes>;
}

export async function startWhole(options: WholeOptions): Promise<Whole> {
  const llms = await startStandInLlms(options.llms);
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-config-'));
  const path = join(folder, 'router.yaml');
  const rewrite = (config: string) => {
    writeFileSync(`${path}.new`, config.replaceAll('{LLM}', llms.url));
    renameSync(`${path}.new`, path);
  };
  rewrite(options.config);
  const load = async () => {
    const config = await loadConfig(path, {
      env: { NVIDIA_API_KEY: 'nvapi-test-key-of-the-upstream' },
      overrides: {
        ...(options.classifierUrl && { classifierUrl: options.classifierUrl }),
        ...(options.standIns !== false && { standInUrl: llms.url }),
      },
    });
    return { ...config, file: { ...config.file, server: { ...config.file.server, port: 0 } } };
  };
  const metrics = createMetrics();
  const router = await startRouter({
    config: await load(),
    load,
    watch: options.watch
      ? { settleMs: 100, cutSettleMs: 300, ...(options.watch !== true && options.watch) }
      : false,
    log: createLog({ level: 'debug', stream }),
    metrics,
    ...(options.connect && { connect: options.connect }),
    ...(options.time && { time: options.time }),
  }).catch(async (error) => {
    await llms.close();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    url: router.url,
    router,
    llms,
    metrics,
    logged: () => lines.join(''),
    rewrite,
    stop: async () => {
      await Promise.all([llms.close(), router.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The embedded classifier over the shipped models; one for a whole test file. */
export function startClassifier(): Promise<RouterServer> {
  return startRouterServer({ repository: MODELS, pollSeconds: 0, threads: 2 });
}

/** A classifier that answers as told, for tests of what surrounds it. */
export function scriptedClassifier(
  labels: readonly string[],
  answer: (text: string, signal?: AbortSignal) => number[] | Promise<number[]>,
): ModelClient {
  return {
    address: 'scripted',
    describe: async () => ({
      version: '1',
      labels,
      size: labels.length,
      maxBatch: 64,
      hasTokenCount: false,
      tokenLimit: null,
      scoreNames: [],
    }),
    infer: async (texts, _want, { signal }) => ({
      modelVersion: '1',
      answers: await Promise.all(
        texts.map(async (text) => ({ output: await answer(text, signal), tokenCount: null, scores: null })),
      ),
    }),
    close: () => {},
  };
}

/** Probabilities with this label first. */
export function favour(labels: readonly string[], label: string, confidence = 0.9): number[] {
  const rest = (1 - confidence) / (labels.length - 1);
  return labels.map((name) => (name === label ? confidence : rest));
}

export function chat(
  url: string,
  body: object,
  init: { signal?: AbortSignal; headers?: Record<string, string>; path?: string } = {},
): Promise<Response> {
  return fetch(`${url}${init.path ?? '/v1/chat/completions'}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...init.headers },
    body: JSON.stringify(body),
    ...(init.signal && { signal: init.signal }),
  });
}

export const user = (content: unknown) => [{ role: 'user', content }];

/** Waits until a condition holds; fails with its name after so many ms. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  ms = 60_000,
): Promise<void> {
  const until = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > until) throw new Error(`it never came true: ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

/** Value of one metric sample, 0 when there is none. */
export async function sample(
  metrics: Metrics,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const metric = await metrics.registry.getSingleMetric(name)?.get();
  const found = metric?.values.filter((value) =>
    Object.entries(labels).every(([key, wanted]) => String(value.labels[key]) === wanted),
  );
  return (found ?? []).reduce((sum, value) => sum + value.value, 0);
}
