/** What the process that keeps the workers and the workers tell each other. */

/** One metric as prom-client's registries give it as JSON. */
export interface MetricJson {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly {
    readonly value: number;
    readonly labels: object;
    readonly metricName?: string;
  }[];
}

export type FromWorker =
  | { readonly kind: 'ready'; readonly url: string }
  /** Somebody asks this worker for the page of all. */
  | { readonly kind: 'page'; readonly id: number }
  /** One metric of an answer to `collect`: the whole in one message would hold up the worker's requests. */
  | { readonly kind: 'metric'; readonly id: number; readonly metric: MetricJson }
  | { readonly kind: 'collected'; readonly id: number };

export type FromPrimary =
  | { readonly kind: 'collect'; readonly id: number }
  /** Null: it could not be made. */
  | { readonly kind: 'page'; readonly id: number; readonly text: string | null }
  | { readonly kind: 'reload'; readonly trigger: string }
  | { readonly kind: 'stop'; readonly signal: string };
