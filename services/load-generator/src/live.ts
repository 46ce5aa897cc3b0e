/** What is seen while it goes: a table that stays in its place on a terminal, a line now and then elsewhere. */
import { isLive } from '../../process/src/live-line.ts';
import { barOf, LINE_MS, WIDTH } from '../../process/src/progress.ts';
import { progressLine } from './report.ts';
import { percentiles, type Tally } from './tally.ts';

const EARLY_MS = 10_000;
/** Of the newest answers. */
const RECENT = 200;

export interface Live {
  readonly show: (tally: Tally, elapsedMs: number) => void;
  readonly end: () => void;
}

export function tableLines(tally: Tally, elapsedMs: number, seconds: number): string[] {
  const share = Math.min(1, elapsedMs / 1000 / seconds);
  const recent = percentiles(tally.latencies.slice(-RECENT));
  const first = percentiles(tally.ttfts.slice(-RECENT));
  const ms = (value: number | undefined) => (value === undefined ? '–' : value.toFixed(0)).padStart(7);
  const labels = Object.entries(tally.labels.toObject()).slice(0, 6);
  const most = Math.max(1, ...labels.map(([, count]) => count));
  return [
    `${barOf(share, WIDTH)} ${Math.floor(elapsedMs / 1000)} of ${seconds} s`,
    progressLine(tally, elapsedMs).trimStart(),
    `ms, last ${RECENT}     p50    p90    p99`,
    `latency     ${ms(recent?.p50)}${ms(recent?.p90)}${ms(recent?.p99)}`,
    `first token ${ms(first?.p50)}${ms(first?.p90)}${ms(first?.p99)}`,
    ...labels.map(
      ([name, count]) =>
        `${name.slice(0, 20).padEnd(20)} ${'▇'.repeat(Math.ceil((20 * count) / most))} ${count}`,
    ),
  ];
}

/** Close together at first, then seldom: a run of an hour is no log of a thousand lines. */
function inLines(say: (line: string) => void): Live {
  let told = 0;
  return {
    show: (tally, elapsedMs) => {
      if (elapsedMs > EARLY_MS && elapsedMs - told < LINE_MS) return;
      told = elapsedMs;
      say(progressLine(tally, elapsedMs));
    },
    end: () => {},
  };
}

export function live(seconds: number, say: (line: string) => void, stream: NodeJS.WriteStream): Live {
  if (!isLive(stream)) return inLines(say);
  let drawn = 0;
  const clear = () => {
    if (drawn > 0) stream.write(`\x1b[${drawn}A\x1b[J`);
    drawn = 0;
  };
  return {
    show: (tally, elapsedMs) => {
      clear();
      const lines = tableLines(tally, elapsedMs, seconds);
      // What wraps or scrolls could not be written over.
      const seen = lines
        .slice(0, (stream.rows || 24) - 1)
        .map((line) => line.slice(0, (stream.columns || 80) - 1));
      stream.write(`${seen.join('\n')}\n`);
      drawn = seen.length;
    },
    end: clear,
  };
}
