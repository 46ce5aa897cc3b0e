/** What is seen while it goes: a table that stays in its place on a terminal, a line now and then elsewhere. */
import { progressLine } from './report.ts';
import { percentiles, type Tally } from './tally.ts';

const WIDTH = 30;
/** Of the newest answers. */
const RECENT = 200;

export interface Live {
  readonly show: (tally: Tally, elapsedMs: number) => void;
  readonly end: () => void;
}

export function tableLines(tally: Tally, elapsedMs: number, seconds: number): string[] {
  const share = Math.min(1, elapsedMs / 1000 / seconds);
  const bar = `${'█'.repeat(Math.round(share * WIDTH))}`.padEnd(WIDTH, '░');
  const recent = percentiles(tally.latencies.slice(-RECENT));
  const first = percentiles(tally.ttfts.slice(-RECENT));
  const ms = (value: number | undefined) => (value === undefined ? '–' : value.toFixed(0)).padStart(7);
  const labels = Object.entries(tally.labels.toObject()).slice(0, 6);
  const most = Math.max(1, ...labels.map(([, count]) => count));
  return [
    `${bar} ${Math.floor(elapsedMs / 1000)} of ${seconds} s`,
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

export function live(seconds: number, say: (line: string) => void, stream: NodeJS.WriteStream): Live {
  if (!stream.isTTY)
    return { show: (tally, elapsedMs) => say(progressLine(tally, elapsedMs)), end: () => {} };
  let drawn = 0;
  const clear = () => {
    if (drawn > 0) stream.write(`\x1b[${drawn}A\x1b[J`);
    drawn = 0;
  };
  return {
    show: (tally, elapsedMs) => {
      clear();
      const lines = tableLines(tally, elapsedMs, seconds);
      stream.write(`${lines.map((line) => line.slice(0, stream.columns - 1)).join('\n')}\n`);
      drawn = lines.length;
    },
    end: clear,
  };
}
