/**
 * Keeps the workers of `server.workers`: starts them on one port, puts another in the place of one that has ended, passes
 * signals on, and makes one page of their metrics. It serves no request itself.
 */
import cluster, { type Worker } from 'node:cluster';
import { CATALOGUE, type Logger } from '../observe/index.ts';
import type { FromPrimary, FromWorker, MetricJson } from './messages.ts';
import { Together } from './together.ts';
import { numberFor } from './worker.ts';

/** A worker that has not answered within so long is left out of the page, milliseconds. */
const COLLECT_MS = 1_000;
/** Waits before another worker takes the place of one that ended early, milliseconds: doubled each time. */
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 10_000;
/** One that has lived so long did not end because of how it started, milliseconds. */
const EARLY_MS = 10_000;

interface Kept {
  readonly number: number;
  readonly worker: Worker;
  readonly since: number;
  url: string | null;
}

interface Collecting {
  readonly waiting: Set<number>;
  readonly metrics: Map<number, MetricJson[]>;
  readonly done: () => void;
}

/** The first worker ended before it served; it has said why. */
export class FirstWorkerFailed extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`the first worker ended with ${code} before it served`);
    this.name = 'FirstWorkerFailed';
    this.code = code;
  }
}

export class Primary {
  readonly #count: number;
  readonly #log: Logger;
  /** By cluster's ids, which no two workers share. */
  readonly #kept = new Map<number, Kept>();
  readonly #together = new Together();
  readonly #collecting = new Map<number, Collecting>();
  #lastCollect = 0;
  /** Early ends in a row, by number. */
  readonly #early = new Map<number, number>();
  #ends = 0;
  #stopping = false;
  #empty: (() => void) | null = null;

  constructor(count: number, log: Logger) {
    this.#count = count;
    this.#log = log;
    cluster.on('message', (worker, message: FromWorker) => this.#hear(worker, message));
  }

  /**
   * Starts one worker, and the others when it serves: what is wrong is told once.
   *
   * @param args of the program, before those that hold for later workers too, whatever the file says by then
   * @returns the URL, when all serve or have failed once.
   * @throws FirstWorkerFailed
   */
  async start({ host, port }: { host: string; port: number }, args: readonly string[]): Promise<string> {
    // Port 0 stays so: what cluster shares is the port that was asked for.
    cluster.setupPrimary({ args: [...args, '--host', host, '--port', String(port)] });
    const first = await this.#begin(1);
    if (typeof first === 'number') throw new FirstWorkerFailed(first);
    const others = Array.from({ length: this.#count - 1 }, (_, at) => this.#begin(at + 2));
    await Promise.all(others);
    return first;
  }

  /** @returns the URL, or the exit code of one that ended before it served. */
  #begin(number: number): Promise<string | number> {
    return new Promise((resolve) => {
      const worker = cluster.fork(numberFor(number));
      this.#kept.set(worker.id, { number, worker, since: performance.now(), url: null });
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') resolve(message.url);
      });
      // A message that did not arrive: its exit says so.
      worker.on('error', () => {});
      worker.once('exit', (code: number | null, signal: string | null) => {
        this.#ended(worker, code, signal);
        resolve(code ?? 1);
      });
    });
  }

  #ended(worker: Worker, code: number | null, signal: string | null): void {
    const kept = this.#kept.get(worker.id)!;
    this.#kept.delete(worker.id);
    for (const [id, { waiting }] of this.#collecting)
      if (waiting.has(worker.id)) this.#collected(worker.id, id);
    void this.#together.ended(worker.id);
    if (this.#stopping) {
      if (this.#kept.size === 0) this.#empty?.();
      return;
    }
    const { number, url, since } = kept;
    // The first start of the first one is the caller's.
    if (number === 1 && url === null && this.#ends === 0 && this.#kept.size === 0) return;
    this.#ends++;
    const early = url === null || performance.now() - since < EARLY_MS;
    const times = early ? (this.#early.get(number) ?? 0) + 1 : 0;
    this.#early.set(number, times);
    const waitMs = times === 0 ? 0 : Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (times - 1));
    this.#log.error('a worker ended; another takes its place', {
      worker: number,
      pid: worker.process.pid,
      code: code ?? undefined,
      signal: signal ?? undefined,
      wait_ms: waitMs,
    });
    setTimeout(() => {
      if (!this.#stopping) void this.#begin(number);
    }, waitMs);
  }

  #tell(worker: Worker, message: FromPrimary): void {
    if (worker.isConnected()) worker.send(message, () => {});
  }

  #hear(worker: Worker, message: FromWorker): void {
    const kept = this.#kept.get(worker.id);
    if (!kept) return;
    if (message.kind === 'ready') kept.url = message.url;
    else if (message.kind === 'metric')
      this.#collecting.get(message.id)?.metrics.get(worker.id)?.push(message.metric);
    else if (message.kind === 'collected') {
      const metrics = this.#collecting.get(message.id)?.metrics.get(worker.id);
      if (metrics) this.#together.heard(worker.id, metrics);
      this.#collected(worker.id, message.id);
    } else if (message.kind === 'page') void this.#page(worker, message.id);
  }

  #collected(worker: number, id: number): void {
    const collecting = this.#collecting.get(id);
    if (!collecting) return;
    collecting.waiting.delete(worker);
    if (collecting.waiting.size === 0) collecting.done();
  }

  async #page(asker: Worker, id: number): Promise<void> {
    let text: string | null = null;
    try {
      await this.#collect();
      text = await this.#together.text(this.#own());
    } catch (error) {
      this.#log.error('the page of all workers’ metrics can’t be made', {
        problem: (error as Error).message,
      });
    }
    this.#tell(asker, { kind: 'page', id, text });
  }

  async #collect(): Promise<void> {
    const serving = [...this.#kept.values()].filter(({ url }) => url !== null).map(({ worker }) => worker);
    const id = ++this.#lastCollect;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, COLLECT_MS);
      this.#collecting.set(id, {
        waiting: new Set(serving.map((worker) => worker.id)),
        metrics: new Map(serving.map((worker) => [worker.id, []])),
        done: () => {
          clearTimeout(late);
          resolve();
        },
      });
      for (const worker of serving) this.#tell(worker, { kind: 'collect', id });
    });
    this.#collecting.delete(id);
  }

  #own(): MetricJson[] {
    const { name, help } = CATALOGUE.workerEnds;
    return [{ name, help, type: 'counter', aggregator: 'sum', values: [{ value: this.#ends, labels: {} }] }];
  }

  reload(trigger: string): void {
    for (const { worker } of this.#kept.values()) this.#tell(worker, { kind: 'reload', trigger });
  }

  /** Resolves when every worker has ended in peace. */
  async stop(signal: string): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    if (this.#kept.size === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#empty = resolve;
    });
    for (const { worker } of this.#kept.values()) this.#tell(worker, { kind: 'stop', signal });
    await empty;
  }
}
