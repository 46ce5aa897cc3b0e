/** The statistics extension, told from the same counters as the metrics. */
import type { Counter } from 'prom-client';
import type { LoadedModel } from './load-model.ts';
import type { ServerMetrics } from './metrics.ts';

async function counted(counter: Counter, model: string, version: string): Promise<number> {
  const { values } = await counter.get();
  const own = values.find(({ labels }) => labels.model === model && labels.version === version);
  return Math.round(own?.value ?? 0);
}

/** One entry of `model_stats`; durations in nanoseconds. */
export async function statisticsOf({ config, version }: LoadedModel, metrics: ServerMetrics) {
  const value = (counter: Counter) => counted(counter, config.name, version);
  const success = await value(metrics.success);
  const runs = await value(metrics.execCount);
  const duration = (count: number, us: number) => ({ count, ns: us * 1000 });
  return {
    name: config.name,
    version,
    last_inference: metrics.lastInference.get(config.name) ?? 0,
    inference_count: await value(metrics.count),
    execution_count: runs,
    inference_stats: {
      success: duration(success, await value(metrics.requestUs)),
      fail: duration(await value(metrics.failure), 0),
      queue: duration(runs, await value(metrics.queueUs)),
      compute_infer: duration(runs, await value(metrics.computeUs)),
    },
  };
}
