/** How long a target takes to its first byte, from its latest answers. */

const KEPT = 64;
/** Fewer answers say nothing about a 95th percentile. */
const ENOUGH = 10;

export class Latency {
  readonly #samples: number[] = [];
  #next = 0;

  add(ms: number): void {
    this.#samples[this.#next] = ms;
    this.#next = (this.#next + 1) % KEPT;
  }

  /** Milliseconds within which 95 of 100 answers began; null until enough were seen. */
  p95(): number | null {
    if (this.#samples.length < ENOUGH) return null;
    const sorted = this.#samples.toSorted((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * 0.95) - 1]!;
  }
}
