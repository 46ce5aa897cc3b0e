/** Triton's own metric names where they mean the same, so that one dashboard reads both servers. */
import { Counter, Registry } from 'prom-client';
import { ModelCounts } from './statistics.ts';

const LABELS = ['model', 'version'] as const;

/** Every metric, its help, and how it reads the record. */
const METRICS: readonly (readonly [name: string, help: string, read: (counts: ModelCounts) => number])[] = [
  ['nv_inference_request_success', 'Requests answered', (counts) => counts.success.count],
  ['nv_inference_request_failure', 'Requests failed', (counts) => counts.fail.count],
  ['nv_inference_count', 'Rows inferred', (counts) => counts.inferences],
  [
    'nv_inference_exec_count',
    'Runs of the model; less than rows when batching works',
    (counts) => counts.executions,
  ],
  [
    'nv_inference_request_duration_us',
    'Cumulative request time',
    (counts) => (counts.success.ns + counts.fail.ns) / 1000,
  ],
  ['nv_inference_queue_duration_us', 'Cumulative time waiting for a run', (counts) => counts.queue.ns / 1000],
  [
    'nv_inference_compute_input_duration_us',
    'Cumulative time of putting inputs together',
    (counts) => counts.compute.compute_input.ns / 1000,
  ],
  [
    'nv_inference_compute_infer_duration_us',
    'Cumulative time of runs',
    (counts) => counts.compute.compute_infer.ns / 1000,
  ],
  [
    'nv_inference_compute_output_duration_us',
    'Cumulative time of taking outputs apart',
    (counts) => counts.compute.compute_output.ns / 1000,
  ],
];

export class ServerMetrics {
  readonly registry = new Registry();
  readonly #counts = new Map<string, { model: string; version: string; counts: ModelCounts }>();

  constructor() {
    for (const [name, help, read] of METRICS) {
      const all = this.#counts;
      new Counter({
        name,
        help,
        labelNames: [...LABELS],
        registers: [this.registry],
        collect() {
          this.reset();
          for (const { model, version, counts } of all.values()) this.inc({ model, version }, read(counts));
        },
      });
    }
  }

  /** The record of one model; it outlives a reload. */
  of(model: string, version: string): ModelCounts {
    const key = `${version}/${model}`;
    const known = this.#counts.get(key) ?? { model, version, counts: new ModelCounts() };
    this.#counts.set(key, known);
    return known.counts;
  }
}

export const createMetrics = () => new ServerMetrics();
