/** Triton's own metric names where they mean the same, so that one dashboard reads both servers. */
import { Counter, Registry } from 'prom-client';

const LABELS = ['model', 'version'] as const;

export function createMetrics() {
  const registry = new Registry();
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames: [...LABELS], registers: [registry] });
  return {
    registry,
    /** Time of each model's last answer, ms since the epoch. */
    lastInference: new Map<string, number>(),
    success: counter('nv_inference_request_success', 'Requests answered'),
    failure: counter('nv_inference_request_failure', 'Requests failed'),
    count: counter('nv_inference_count', 'Rows inferred'),
    execCount: counter('nv_inference_exec_count', 'Runs of the model; less than rows when batching works'),
    requestUs: counter('nv_inference_request_duration_us', 'Cumulative request time'),
    queueUs: counter('nv_inference_queue_duration_us', 'Cumulative time waiting for a run'),
    computeUs: counter('nv_inference_compute_infer_duration_us', 'Cumulative time of runs'),
  };
}

export type ServerMetrics = ReturnType<typeof createMetrics>;
