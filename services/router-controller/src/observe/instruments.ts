/**
 * prom-client's counters and histograms, which find what is kept of a label set again without writing the set as a text: a
 * request touches some thirty of them. Text, JSON, checks and errors are prom-client's own.
 */
import {
  Counter,
  type CounterConfiguration,
  Histogram,
  type HistogramConfiguration,
  type LabelValues,
} from 'prom-client';

type Labels = Readonly<Record<string, unknown>>;

/** What prom-client keeps; its types do not tell. */
interface Kept<T> {
  hashMap: Record<string, T & { readonly labels: Labels }>;
}

/** Label sets that were seen, by value after value in the order of the names. */
class Seen<T> {
  readonly #names: readonly string[];
  #root: unknown;

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  find(labels: Labels): T | undefined {
    let at = this.#root;
    for (const name of this.#names) {
      if (at === undefined) return undefined;
      at = (at as Map<unknown, unknown>).get(labels[name]);
    }
    return at as T | undefined;
  }

  remember(labels: Labels, value: T): void {
    if (this.#names.length === 0) {
      this.#root = value;
      return;
    }
    this.#root ??= new Map();
    let at = this.#root as Map<unknown, unknown>;
    for (const name of this.#names.slice(0, -1)) {
      let next = at.get(labels[name]);
      if (next === undefined) {
        next = new Map();
        at.set(labels[name], next);
      }
      at = next as Map<unknown, unknown>;
    }
    at.set(labels[this.#names.at(-1)!], value);
  }

  forget(): void {
    this.#root = undefined;
  }
}

const NONE: Labels = {};

/** How prom-client names a set of labels: by sorted names, without those that are undefined. */
function keyOf(labels: Labels, names: readonly string[]): string {
  const known = names.filter((name) => labels[name] !== undefined);
  return known.map((name) => `${name}:${labels[name]},`).join('');
}

export class QuickCounter<L extends string> extends Counter<L> {
  readonly #seen: Seen<{ value: number }>;

  constructor(config: CounterConfiguration<L>) {
    super(config);
    const names = [...(config.labelNames ?? [])].sort();
    this.#seen = new Seen(names);
    // An own property of prom-client's instances, which no method of a class could replace.
    const slow = this.inc.bind(this) as (labels: unknown, value?: number) => void;
    const inc = (given?: Labels | number, value?: number): void => {
      const [labels, by = 1] = typeof given === 'object' && given !== null ? [given, value] : [NONE, given];
      const seen = this.#seen.find(labels);
      if (seen !== undefined && (by as number) >= 0 && by !== Number.POSITIVE_INFINITY) {
        seen.value += by as number;
        return;
      }
      slow(given, value);
      const made = (this as unknown as Kept<{ value: number }>).hashMap[keyOf(labels, names)];
      if (made) this.#seen.remember(labels, made);
    };
    this.inc = inc as typeof this.inc;
  }

  override reset(): void {
    super.reset();
    // Called by prom-client's constructor too.
    if (#seen in this) this.#seen.forget();
  }

  override remove(...args: (string | LabelValues<L>)[]): void {
    super.remove(...(args as string[]));
    this.#seen.forget();
  }
}

interface Observed {
  readonly bucketValues: Record<number, number>;
  sum: number;
  count: number;
}

interface Child {
  readonly kept: Observed;
  /** Observations by bucket that prom-client has not been told yet. */
  readonly counts: Float64Array;
}

export class QuickHistogram<L extends string> extends Histogram<L> {
  readonly #seen: Seen<Child>;
  readonly #bounds: readonly number[];
  #children = new Map<Observed, Child>();

  constructor(config: HistogramConfiguration<L> & { readonly buckets: number[] }) {
    super(config);
    const names = [...(config.labelNames ?? [])].sort();
    const { buckets } = config;
    this.#seen = new Seen(names);
    this.#bounds = buckets;
    const slow = this.observe.bind(this) as (labels: unknown, value?: number) => void;
    const observe = (given: Labels | number, value?: number): void => {
      const [labels, number] = typeof given === 'object' ? [given, value as number] : [NONE, given];
      const seen = this.#seen.find(labels);
      if (seen !== undefined && Number.isFinite(number)) {
        let at = 0;
        while (at < buckets.length && number > buckets[at]!) at++;
        if (at < buckets.length) seen.counts[at]!++;
        seen.kept.sum += number;
        seen.kept.count++;
        return;
      }
      slow(given, value);
      const kept = (this as unknown as Kept<Observed>).hashMap[keyOf(labels, names)];
      if (kept) this.#seen.remember(labels, this.#childOf(kept));
    };
    this.observe = observe as typeof this.observe;
  }

  #childOf(kept: Observed): Child {
    let child = this.#children.get(kept);
    if (!child) {
      child = { kept, counts: new Float64Array(this.#bounds.length) };
      this.#children.set(kept, child);
    }
    return child;
  }

  /** Tells prom-client what it has not been told. */
  #tell(): void {
    for (const { kept, counts } of this.#children.values()) {
      for (const [at, count] of counts.entries())
        if (count > 0) kept.bucketValues[this.#bounds[at]!]! += count;
      counts.fill(0);
    }
  }

  /** What both the text and the JSON are made from. */
  getForPromString(): Promise<unknown> {
    this.#tell();
    return (
      Histogram.prototype as unknown as { getForPromString: () => Promise<unknown> }
    ).getForPromString.call(this);
  }

  #forget(): void {
    this.#tell();
    this.#seen.forget();
    this.#children = new Map();
  }

  override reset(): void {
    super.reset();
    if (#seen in this) this.#forget();
  }

  override zero(labels: Parameters<Histogram<L>['zero']>[0]): void {
    super.zero(labels);
    this.#forget();
  }

  override remove(...args: (string | LabelValues<L>)[]): void {
    super.remove(...(args as string[]));
    this.#forget();
  }
}
