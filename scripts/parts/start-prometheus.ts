/** A real Prometheus as a child process, for tests and for the stack without containers. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, freePort, leashed, untilReady } from './process.ts';
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
  /** Where it keeps its configuration and data, kept after its end; absent: a folder that goes with it. */
  readonly folder?: string;
  /** Gives the start up. */
  readonly signal?: AbortSignal;
}

/** One series of an answer; values as Prometheus has them, by time in seconds. */
export interface SeriesData {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [time: number, value: number])[];
}

/** What can be asked of a Prometheus. */
export interface PrometheusApi {
  readonly url: string;
  /** Instant query. @throws Error with Prometheus' words. */
  readonly query: (expr: string) => Promise<SeriesData[]>;
  /** Range query over the last seconds. */
  readonly queryRange: (expr: string, seconds: number, step: number) => Promise<SeriesData[]>;
  /** Any path of its API, its `data`. */
  readonly api: (path: string) => Promise<unknown>;
}

export interface RunningPrometheus extends PrometheusApi {
  /** Resolves when its process has ended, however. */
  readonly exited: Promise<void>;
  readonly stop: () => Promise<void>;
}

const START_MS = 60_000;

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

/** A Prometheus that runs already. */
export function prometheusAt(url: string): PrometheusApi {
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
  };
}

/** @throws Error with the end of Prometheus' log when it does not become ready. */
export async function startPrometheus(options: PrometheusOptions): Promise<RunningPrometheus> {
  const { prometheus } = await setupPrometheus();
  const port = options.port || (await freePort());
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'llm-router-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(configuration(options)));
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ];
  const child = spawn(...leashed(prometheus, args), {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Out of the terminal's group: Ctrl-C reaches the parent alone, which ends its children in order.
    detached: true,
  });
  let said = '';
  child.stderr!.on('data', (chunk) => {
    said = (said + chunk).slice(-8_000);
  });
  const exited = new Promise<void>((resolve) =>
    child.once('exit', () => resolve()).once('error', () => resolve()),
  );
  const stop = async () => {
    await endProcess(child, exited);
    if (!options.folder) rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const isReady = () =>
    fetch(`${url}/-/ready`).then(
      (response) => response.ok,
      () => false,
    );
  try {
    const { signal } = options;
    await untilReady('Prometheus', child, isReady, { ms: START_MS, said: () => said, signal });
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...prometheusAt(url), exited, stop };
}
