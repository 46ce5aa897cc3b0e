/** Metrics of several workers as one. */
import { AggregatorRegistry, type Registry } from 'prom-client';
import type { MetricJson } from './messages.ts';

const aggregate = (all: readonly (readonly MetricJson[])[]): Registry =>
  (AggregatorRegistry as unknown as { aggregate: (all: unknown) => Registry }).aggregate(all);

/** What goes on counting in the sum when the process that counted it has ended. */
const lasts = ({ type }: MetricJson) => type === 'counter' || type === 'histogram';

/**
 * What every worker counted, those that have ended included: a sum that fell would be read as a restart of the whole, and
 * everything counted until then as new.
 */
export class Together {
  /** What was last heard from each worker that lives. */
  readonly #latest = new Map<number, readonly MetricJson[]>();
  #gone: readonly MetricJson[] = [];

  /** @param worker a name that no other worker has had */
  heard(worker: number, metrics: readonly MetricJson[]): void {
    this.#latest.set(worker, metrics);
  }

  /** What it counted since it was last heard is lost. */
  async ended(worker: number): Promise<void> {
    const counted = this.#latest.get(worker)?.filter(lasts);
    this.#latest.delete(worker);
    if (counted)
      this.#gone = (await aggregate([this.#gone, counted]).getMetricsAsJSON()) as unknown as MetricJson[];
  }

  /** @param own of the process that keeps the workers */
  text(own: readonly MetricJson[]): Promise<string> {
    // The newest first: where the first one's word counts, it is one that lives.
    return aggregate([...this.#latest.values(), this.#gone, own]).metrics();
  }
}
