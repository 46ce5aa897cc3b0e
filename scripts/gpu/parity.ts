/** Two servers' answers to the same prompts, held against each other. */
import { quantile } from './speed.ts';

export interface Parity {
  readonly prompts: number;
  /** Prompts with one clear label, and of these the ones that both give the same. */
  readonly clear: number;
  readonly alike: number;
  /** Largest difference of a probability: of all prompts, and of all but a twentieth of them. */
  readonly worst: number;
  readonly p95: number;
  /** How many labels came up: few of them would say little. */
  readonly labels: number;
}

/** Where the best two are closer than this, either is right. */
const MARGIN = 0.02;

function best(row: readonly number[]): { index: number; margin: number } {
  const sorted = [...row].sort((a, b) => b - a);
  return { index: row.indexOf(sorted[0]!), margin: sorted[0]! - (sorted[1] ?? 0) };
}

export function compare(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): Parity {
  let [clear, alike] = [0, 0];
  const off: number[] = [];
  const labels = new Set<number>();
  for (const [at, row] of a.entries()) {
    const other = b[at]!;
    const differences = row.map((value, label) => Math.abs(value - (other[label] ?? Number.NaN)));
    // Whatever is no number is as far off as can be.
    off.push(Math.max(...differences.map((each) => (Number.isFinite(each) ? each : 1))));
    const { index, margin } = best(row);
    labels.add(index);
    if (margin <= MARGIN) continue;
    clear++;
    if (best(other).index === index) alike++;
  }
  off.sort((one, two) => one - two);
  return {
    prompts: a.length,
    clear,
    alike,
    worst: off.at(-1) ?? 0,
    p95: quantile(off, 0.95),
    labels: labels.size,
  };
}
