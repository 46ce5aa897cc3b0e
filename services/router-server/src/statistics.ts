/** What was done, by model and version: one record, told as KServe statistics and as Triton's metrics. */

/** How often, and how long together in nanoseconds. */
export interface Duration {
  count: number;
  ns: number;
}

/** Times of one request within its models, nanoseconds. */
export interface RequestTimes {
  queue: number;
  input: number;
  infer: number;
  output: number;
}

export const noTimes = (): RequestTimes => ({ queue: 0, input: 0, infer: 0, output: 0 });

type Compute = Record<'compute_input' | 'compute_infer' | 'compute_output', Duration>;

const none = (): Duration => ({ count: 0, ns: 0 });
const noCompute = (): Compute => ({ compute_input: none(), compute_infer: none(), compute_output: none() });

function add(duration: Duration, count: number, ns: number): void {
  duration.count += count;
  duration.ns += ns * count;
}

function addCompute(to: Compute, count: number, times: RequestTimes): void {
  add(to.compute_input, count, times.input);
  add(to.compute_infer, count, times.infer);
  add(to.compute_output, count, times.output);
}

export class ModelCounts {
  /** Milliseconds since the epoch; 0: never. */
  lastInference = 0;
  /** Rows. */
  inferences = 0;
  /** Runs; fewer than rows where batching works. */
  executions = 0;
  readonly success = none();
  readonly fail = none();
  readonly queue = none();
  readonly compute = noCompute();
  readonly #batches = new Map<number, Compute>();

  /** One run of `rows` rows for some requests, each of which waited its own time. */
  ran(rows: number, queues: readonly number[], times: RequestTimes): void {
    this.inferences += rows;
    this.executions++;
    this.lastInference = Date.now();
    for (const ns of queues) add(this.queue, 1, ns);
    addCompute(this.compute, queues.length, times);
    const batch = this.#batches.get(rows) ?? noCompute();
    this.#batches.set(rows, batch);
    addCompute(batch, 1, times);
  }

  /** A request's end. @param ns from its coming to its answer. */
  ended(isAnswered: boolean, ns: number): void {
    add(isAnswered ? this.success : this.fail, 1, ns);
  }

  /** One entry of `model_stats`. */
  tell(name: string, version: string) {
    const whole = ({ count, ns }: Duration) => ({ count, ns: Math.round(ns) });
    const computed = (compute: Compute) => ({
      compute_input: whole(compute.compute_input),
      compute_infer: whole(compute.compute_infer),
      compute_output: whole(compute.compute_output),
    });
    return {
      name,
      version,
      last_inference: this.lastInference,
      inference_count: this.inferences,
      execution_count: this.executions,
      inference_stats: {
        success: whole(this.success),
        fail: whole(this.fail),
        queue: whole(this.queue),
        ...computed(this.compute),
        cache_hit: none(),
        cache_miss: none(),
      },
      batch_stats: [...this.#batches]
        .sort(([a], [b]) => a - b)
        .map(([batch_size, compute]) => ({ batch_size, ...computed(compute) })),
    };
  }
}
