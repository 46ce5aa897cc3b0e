/** Adds up what came of the requests. */
import type { Sample } from './send.ts';

/** More kinds than these are one kind: names come from the other side. */
const MAX_KINDS = 100;

export class Counter {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    const kind = this.#counts.has(name) || this.#counts.size < MAX_KINDS ? name : '(others)';
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  /** Most frequent first. */
  toObject(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a, x], [b, y]) => y - x || a.localeCompare(b)));
  }
}

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** By nearest rank; null: there are no values. */
export function percentiles(values: readonly number[]): Percentiles | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => {
    const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
    return Math.round(value * 100) / 100;
  };
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** The numbers of one run. `sent` = answered + failed + unfinished + under way. */
export class Tally {
  sent = 0;
  /** Due, but the limit of requests at once was reached. */
  notSent = 0;
  answered = 0;
  failed = 0;
  unfinished = 0;
  /** The furthest that a request was begun behind its time: the generator's own lag. */
  latestStartMs = 0;
  promptTokens = 0;
  completionTokens = 0;
  readonly statuses = new Counter();
  readonly labels = new Counter();
  readonly models = new Counter();
  readonly errors = new Counter();
  /** Of whole answers, in milliseconds from the intended start. */
  readonly latencies: number[] = [];
  readonly ttfts: number[] = [];

  get underWay(): number {
    return this.sent - this.answered - this.failed - this.unfinished;
  }

  begun(lateMs: number): void {
    this.sent++;
    this.latestStartMs = Math.max(this.latestStartMs, lateMs);
  }

  ended({ status, label, model, latencyMs, ttftMs, tokens, error, isUnfinished }: Sample): void {
    if (isUnfinished) {
      this.unfinished++;
      return;
    }
    this.statuses.add(status === null ? 'none' : String(status));
    if (label !== null) this.labels.add(label);
    if (model !== null) this.models.add(model);
    this.promptTokens += tokens?.prompt ?? 0;
    this.completionTokens += tokens?.completion ?? 0;
    if (error !== null) {
      this.failed++;
      this.errors.add(error);
      return;
    }
    this.answered++;
    this.latencies.push(latencyMs);
    if (ttftMs !== null) this.ttfts.push(ttftMs);
  }
}
