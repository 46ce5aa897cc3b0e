/** How fast a server answers batches: one after another, each prompt a new one. */
import type { Server } from './server.ts';

export interface Speed {
  readonly batch: number;
  readonly prompts_per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly calls: number;
}

const WORDS =
  'please explain to me how a compiler turns a program into machine code and which of its steps take most of the time'.split(
    ' ',
  );
let serial = 0;
/** Of about 64 tokens, and never the same one. */
const prompt = () =>
  `${serial++} ${Array.from({ length: 58 }, (_, at) => WORDS[(at + serial) % WORDS.length]).join(' ')}`;

/** Nearest rank. @param sorted ascending, not empty. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))]!;

export async function measure(server: Server, model: string, batch: number, seconds: number): Promise<Speed> {
  const call = () => server.classify(model, Array.from({ length: batch }, prompt));
  // The first call of a new size may choose its kernels.
  for (let n = 0; n < 3; n++) await call();
  const times: number[] = [];
  const begun = performance.now();
  while (times.length < 3 || performance.now() - begun < seconds * 1_000) {
    const from = performance.now();
    await call();
    times.push(performance.now() - from);
  }
  const wall = performance.now() - begun;
  const sorted = times.toSorted((a, b) => a - b);
  const round = (value: number) => Math.round(value * 100) / 100;
  return {
    batch,
    prompts_per_second: round((times.length * batch * 1_000) / wall),
    p50_ms: round(quantile(sorted, 0.5)),
    p99_ms: round(quantile(sorted, 0.99)),
    calls: times.length,
  };
}
