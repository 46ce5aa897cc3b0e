/** A real Prometheus as a child process, for tests and for the stack without containers. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './debian.ts';
import { setupPrometheus } from './prometheus.ts';

export interface PrometheusOptions {
  /** What to scrape: job → URL of its metrics. */
  readonly scrape: Readonly<Record<string, string>>;
  /** Rule files' paths. */
  readonly rules?: readonly string[];
  /** Seconds between scrapes and between evaluations. */
  readonly intervalSeconds?: number;
  /** 0 or absent: a free port. */
  readonly port?: number;
}

/** One series of an answer; values as Prometheus has them, by time in seconds. */
export interface SeriesData {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [time: number, value: number])[];
}

export interface RunningPrometheus {
  readonly url: string;
  /** Instant query. @throws Error with Prometheus' words. */
  readonly query: (expr: string) => Promise<SeriesData[]>;
  /** Range query over the last seconds. */
  readonly queryRange: (expr: string, seconds: number, step: number) => Promise<SeriesData[]>;
  /** Any path of its API, its `data`. */
  readonly api: (path: string) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const START_MS = 60_000;
const STOP_MS = 15_000;

function configuration({ scrape, rules = [], intervalSeconds = 15 }: PrometheusOptions): object {
  return {
    global: { scrape_interval: `${intervalSeconds}s`, evaluation_interval: `${intervalSeconds}s` },
    rule_files: rules,
    scrape_configs: Object.entries(scrape).map(([job, address]) => {
      const { host, pathname, protocol } = new URL(address);
      return {
        job_name: job,
        scheme: protocol.replace(':', ''),
        metrics_path: pathname,
        static_configs: [{ targets: [host] }],
      };
    }),
  };
}

interface RawSeries {
  readonly metric: Record<string, string>;
  readonly value?: [number, string];
  readonly values?: [number, string][];
}

const read = ({ result }: { result: RawSeries[] }): SeriesData[] =>
  result.map(({ metric, value, values }) => ({
    metric,
    values: (values ?? (value ? [value] : [])).map(([time, text]) => [
      time,
      Number(text.replace(/Inf$/, 'Infinity')),
    ]),
  }));

/** @throws Error with the end of Prometheus' log when it does not become ready. */
export async function startPrometheus(options: PrometheusOptions): Promise<RunningPrometheus> {
  const { prometheus } = await setupPrometheus();
  const port = options.port || (await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(configuration(options)));
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--enable-feature=exemplar-storage',
    '--log.level=warn',
  ];
  // A parent that is killed can't stop it; the kernel does where setpriv can ask for that.
  const leash = findProgram('setpriv');
  const command = leash ? [leash, '--pdeathsig', 'KILL', '--', prometheus, ...args] : [prometheus, ...args];
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-8_000);
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await Promise.race([exited, sleep(STOP_MS, undefined, { ref: false })]);
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  for (const until = Date.now() + START_MS; ; await sleep(100)) {
    const ready = await fetch(`${url}/-/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) break;
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`Prometheus did not become ready:\n${said}`);
    }
  }
  const api = async (path: string): Promise<unknown> => {
    const response = await fetch(`${url}/api/v1/${path}`);
    const body = (await response.json()) as { status: string; data: unknown; error?: string };
    if (body.status !== 'success') throw new Error(`Prometheus refuses ${path}: ${body.error}`);
    return body.data;
  };
  return {
    url,
    api,
    query: async (expr) =>
      read((await api(`query?${new URLSearchParams({ query: expr })}`)) as { result: RawSeries[] }),
    queryRange: async (expr, seconds, step) => {
      const end = Date.now() / 1000;
      const range = { query: expr, start: String(end - seconds), end: String(end), step: String(step) };
      return read((await api(`query_range?${new URLSearchParams(range)}`)) as { result: RawSeries[] });
    },
    stop,
  };
}
