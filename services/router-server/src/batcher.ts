/** Gathers requests that arrive together into one run of the model, as Triton's dynamic batcher does. */
import { InferError } from './errors.ts';
import { noTimes, type RequestTimes } from './statistics.ts';
import { concat, shapeKey, slice, type Tensor, type Tensors } from './tensor.ts';

/** Computes the outputs that are named. */
export type Run = (inputs: Tensors, outputs: readonly string[]) => Promise<Tensors>;

export interface BatcherOptions {
  readonly maxBatch: number;
  readonly maxDelayUs: number;
  readonly maxQueue: number;
}

interface Job {
  readonly inputs: Tensors;
  readonly rows: number;
  readonly key: string;
  /** Names of the outputs that it wants. */
  readonly outputs: readonly string[];
  readonly signal: AbortSignal | undefined;
  /** Filled by its run. */
  readonly times: RequestTimes | undefined;
  readonly done: PromiseWithResolvers<Tensors>;
}

/** What a request wants of the model beside its answer. */
export interface Wanted {
  readonly outputs: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** To which the request's are added. */
  readonly times?: RequestTimes | undefined;
}

export interface BatchObserver {
  /** One run: how many rows, how long each of its jobs had waited (ns), how long its parts took. */
  readonly onRun: (rows: number, queues: readonly number[], times: RequestTimes) => void;
}

/**
 * Gives each job its own rows of the outputs that it wants back.
 *
 * @throws InferError when the model dropped or added rows: one request would get another's answer.
 */
function split(outputs: Tensors, batch: readonly Job[]): Tensors[] {
  if (batch.length === 1) return [outputs];
  const total = batch.reduce((sum, job) => sum + job.rows, 0);
  for (const [name, { shape }] of outputs) {
    if (shape[0] !== total)
      throw new InferError(
        'INTERNAL',
        `the model gave ${shape[0]} rows of ${name} for ${total} rows of input`,
      );
  }
  let at = 0;
  return batch.map(({ rows, outputs: wanted }) => {
    const own = new Map<string, Tensor>();
    for (const name of wanted) own.set(name, slice(outputs.get(name)!, at, at + rows));
    at += rows;
    return own;
  });
}

export class Batcher {
  readonly #run: Run;
  readonly #options: BatcherOptions;
  readonly #observer: BatchObserver;
  #queue: (Job & { readonly since: number })[] = [];
  #running = 0;
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void)[] = [];

  constructor(run: Run, options: BatcherOptions, observer: BatchObserver) {
    this.#run = run;
    this.#options = options;
    this.#observer = observer;
  }

  /**
   * Runs the inputs, perhaps together with others of the same row shape, whatever outputs these want.
   *
   * @throws InferError UNAVAILABLE when the queue is full; CANCELLED when the signal came before the run.
   */
  async submit(inputs: Tensors, rows: number, { outputs, signal, times }: Wanted): Promise<Tensors> {
    // Whoever has gone holds no place.
    if (this.#queue.length >= this.#options.maxQueue) this.#dropCancelled();
    if (this.#queue.length >= this.#options.maxQueue) {
      throw new InferError('UNAVAILABLE', `${this.#queue.length} requests wait already; try again`);
    }
    const done = Promise.withResolvers<Tensors>();
    const since = performance.now();
    this.#queue.push({ inputs, rows, key: shapeKey(inputs), outputs, signal, times, done, since });
    this.#schedule();
    return done.promise;
  }

  /** Resolves when nothing runs and nobody waits. */
  idle(): Promise<void> {
    if (this.#running === 0 && this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #dropCancelled(): void {
    this.#queue = this.#queue.filter((job) => {
      if (!job.signal?.aborted) return true;
      job.done.reject(new InferError('CANCELLED', 'the request was cancelled before it ran'));
      return false;
    });
  }

  /** One run at a time: while it computes, the next batch gathers. A waiting time only matters when idle. */
  #schedule(): void {
    if (this.#running > 0 || this.#timer || this.#queue.length === 0) return;
    const waiting = this.#queue.reduce((sum, job) => sum + job.rows, 0);
    const delayMs = this.#options.maxDelayUs / 1000;
    if (waiting >= this.#options.maxBatch || delayMs < 1) {
      this.#running++;
      setImmediate(() => void this.#next());
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#running++;
      void this.#next();
    }, delayMs);
  }

  #take(): (Job & { since: number })[] {
    this.#dropCancelled();
    const live = this.#queue;
    const [head] = live;
    const batch: (Job & { since: number })[] = [];
    const rest: (Job & { since: number })[] = [];
    let rows = 0;
    for (const job of live) {
      if (job.key === head!.key && (batch.length === 0 || rows + job.rows <= this.#options.maxBatch)) {
        batch.push(job);
        rows += job.rows;
      } else rest.push(job);
    }
    this.#queue = rest;
    return batch;
  }

  async #next(): Promise<void> {
    const batch = this.#take();
    try {
      if (batch.length > 0) await this.#compute(batch);
    } finally {
      this.#running--;
      this.#schedule();
      if (this.#running === 0 && this.#queue.length === 0) for (const done of this.#idle.splice(0)) done();
    }
  }

  async #compute(batch: readonly (Job & { since: number })[]): Promise<void> {
    const marks = [performance.now()];
    const queues = batch.map((job) => (marks[0]! - job.since) * 1e6);
    try {
      const names = [...batch[0]!.inputs.keys()];
      const joined = new Map(names.map((name) => [name, concat(batch.map((job) => job.inputs.get(name)!))]));
      marks.push(performance.now());
      const wanted = [...new Set(batch.flatMap((job) => job.outputs))];
      const outputs = await this.#run(joined, wanted);
      marks.push(performance.now());
      const own = split(outputs, batch);
      marks.push(performance.now());
      const [input, infer, output] = [1, 2, 3].map((at) => (marks[at]! - marks[at - 1]!) * 1e6);
      const times = { ...noTimes(), input: input!, infer: infer!, output: output! };
      for (const [index, job] of batch.entries()) {
        if (job.times) {
          job.times.queue += queues[index]!;
          job.times.input += times.input;
          job.times.infer += times.infer;
          job.times.output += times.output;
        }
        job.done.resolve(own[index]!);
      }
      const rows = batch.reduce((sum, job) => sum + job.rows, 0);
      this.#observer.onRun(rows, queues, times);
    } catch (error) {
      for (const job of batch) job.done.reject(error);
    }
  }
}
