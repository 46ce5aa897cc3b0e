/** How a run went over time: percentiles and counts by slices of equal length. */
import type { Sample } from './send.ts';
import { percentiles } from './tally.ts';

/** Enough to see a dent, few enough to draw. */
const SLICES = 60;

export interface Slice {
  /** Seconds since the start of the run. */
  readonly at_s: number;
  readonly answered: number;
  readonly failed: number;
  readonly latency_p50_ms: number | null;
  readonly latency_p90_ms: number | null;
  readonly latency_p99_ms: number | null;
  readonly ttft_p50_ms: number | null;
  readonly completion_tokens: number;
}

export interface OfLabel {
  readonly answered: number;
  readonly latency_p50_ms: number;
  readonly latency_p99_ms: number;
}

interface Part {
  answered: number;
  failed: number;
  tokens: number;
  readonly latencies: number[];
  readonly ttfts: number[];
}

export class Timeline {
  /** Length of a slice, seconds. */
  readonly width: number;
  readonly #parts: Part[] = [];
  readonly #labels = new Map<string, number[]>();

  constructor(seconds: number) {
    this.width = Math.max(1, Math.ceil(seconds / SLICES));
  }

  /** @param elapsedMs when it ended, since the start of the run. */
  ended({ isUnfinished, error, latencyMs, ttftMs, tokens, label }: Sample, elapsedMs: number): void {
    if (isUnfinished) return;
    const at = Math.floor(elapsedMs / 1000 / this.width);
    while (this.#parts.length <= at)
      this.#parts.push({ answered: 0, failed: 0, tokens: 0, latencies: [], ttfts: [] });
    const part = this.#parts[at]!;
    if (error !== null) {
      part.failed++;
      return;
    }
    part.answered++;
    part.tokens += tokens?.completion ?? 0;
    part.latencies.push(latencyMs);
    if (ttftMs !== null) part.ttfts.push(ttftMs);
    if (label === null) return;
    const known = this.#labels.get(label);
    if (known) known.push(latencyMs);
    // As many as the tally keeps.
    else if (this.#labels.size < 100) this.#labels.set(label, [latencyMs]);
  }

  slices(): Slice[] {
    return this.#parts.map(({ answered, failed, tokens, latencies, ttfts }, at) => {
      const whole = percentiles(latencies);
      return {
        at_s: at * this.width,
        answered,
        failed,
        latency_p50_ms: whole?.p50 ?? null,
        latency_p90_ms: whole?.p90 ?? null,
        latency_p99_ms: whole?.p99 ?? null,
        ttft_p50_ms: percentiles(ttfts)?.p50 ?? null,
        completion_tokens: tokens,
      };
    });
  }

  byLabel(): Record<string, OfLabel> {
    const rows = [...this.#labels].sort(([, a], [, b]) => b.length - a.length);
    return Object.fromEntries(
      rows.map(([label, latencies]) => {
        const { p50, p99 } = percentiles(latencies)!;
        return [label, { answered: latencies.length, latency_p50_ms: p50, latency_p99_ms: p99 }];
      }),
    );
  }
}
