/** The worker's side: one controller among others on the same port. */
import cluster from 'node:cluster';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import type { FromPrimary, FromWorker, MetricJson } from './messages.ts';

/** Requests wait no longer than this for a piece of an answer to be made, milliseconds. */
const SLICE_MS = 2;
/** Longest wait for the page of all, milliseconds; Prometheus itself waits ten seconds. */
const PAGE_MS = 5_000;

/** Of the variable that tells a worker its number. */
const NUMBER = 'LLM_ROUTER_WORKER';

export const numberFor = (number: number): Record<string, string> => ({ [NUMBER]: String(number) });

/** 1…N, kept by the worker that takes the place of one that has ended; null: this process is no worker. */
export const workerNumber = (): number | null => (cluster.isWorker ? Number(process.env[NUMBER]) : null);

export interface WorkerHooks {
  readonly reload: (trigger: string) => void;
  readonly stop: (signal: string) => void;
}

export class WorkerSide {
  #hooks: WorkerHooks | null = null;
  #registry: Registry | null = null;
  #pages = new Map<number, (text: string | null) => void>();
  #lastPage = 0;

  constructor() {
    process.on('message', (message: FromPrimary) => this.#hear(message));
    // A terminal's Ctrl-C comes to all processes; it is the primary that says so.
    process.on('SIGINT', () => {});
    process.on('SIGHUP', () => {});
  }

  #tell(message: FromWorker): void {
    // The primary may be gone; then this process is ended too.
    if (process.connected) process.send!(message, () => {});
  }

  #hear(message: FromPrimary): void {
    if (message.kind === 'collect') void this.#collect(message.id);
    else if (message.kind === 'page') this.#pages.get(message.id)?.(message.text);
    else if (message.kind === 'reload') this.#hooks?.reload(message.trigger);
    else if (message.kind === 'stop') {
      if (this.#hooks) this.#hooks.stop(message.signal);
      else process.exit(0);
    }
  }

  /** Its controller answers. */
  ready(url: string, registry: Registry, hooks: WorkerHooks): void {
    this.#hooks = hooks;
    this.#registry = registry;
    this.#tell({ kind: 'ready', url });
  }

  async #collect(id: number): Promise<void> {
    let begun = performance.now();
    for (const metric of this.#registry?.getMetricsAsArray() ?? []) {
      const json = (await (metric as unknown as { get: () => Promise<MetricJson> }).get()) as MetricJson;
      this.#tell({ kind: 'metric', id, metric: json });
      if (performance.now() - begun < SLICE_MS) continue;
      await nextTurn();
      begun = performance.now();
    }
    this.#tell({ kind: 'collected', id });
  }

  /** The text of all workers' metrics together. */
  async page(): Promise<string> {
    const id = ++this.#lastPage;
    const answer = Promise.withResolvers<string | null>();
    this.#pages.set(id, answer.resolve);
    const late = setTimeout(() => answer.resolve(null), PAGE_MS);
    this.#tell({ kind: 'page', id });
    const text = await answer.promise;
    clearTimeout(late);
    this.#pages.delete(id);
    if (text === null) throw new Error(`no page of all workers' metrics came within ${PAGE_MS} ms`);
    return text;
  }
}
