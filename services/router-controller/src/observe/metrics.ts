import { type Counter, collectDefaultMetrics, Gauge, type Histogram, Registry } from 'prom-client';
import { CATALOGUE, type MetricSpec } from './catalogue.ts';
import { watchEventLoop } from './event-loop.ts';
import { QuickCounter, QuickHistogram } from './instruments.ts';

type Labels<S extends MetricSpec> = S['labels'][number];
type Instrument<S extends MetricSpec> = S['kind'] extends 'counter'
  ? Counter<Labels<S>>
  : S['kind'] extends 'gauge'
    ? Gauge<Labels<S>>
    : Histogram<Labels<S>>;

type Instruments = { readonly [K in keyof typeof CATALOGUE]: Instrument<(typeof CATALOGUE)[K]> };

export type Metrics = Instruments & { readonly registry: Registry };

function build(spec: MetricSpec, registry: Registry): Counter | Gauge | Histogram {
  const base = { name: spec.name, help: spec.help, labelNames: [...spec.labels], registers: [registry] };
  if (spec.kind === 'counter') return new QuickCounter(base);
  if (spec.kind === 'gauge') return new Gauge({ ...base, aggregator: spec.together ?? 'sum' });
  return new QuickHistogram({ ...base, buckets: [...(spec.buckets ?? [])] });
}

/**
 * Creates every metric of the catalogue in a registry of its own, so that tests can run several controllers in one
 * process. The process's own (event loop, memory, garbage collection) are watched when `runtime` is true.
 */
export function createMetrics(options: { runtime?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.runtime) collectDefaultMetrics({ register: registry });
  const entries = Object.entries(CATALOGUE).map(([key, spec]) => [key, build(spec, registry)] as const);
  const metrics = { ...(Object.fromEntries(entries) as unknown as Instruments), registry };
  // Until somebody says otherwise: without Redis there is nothing to share.
  metrics.limiterUp.set(1);
  metrics.workers.set(1);
  if (options.runtime) watchEventLoop(metrics);
  return metrics;
}
