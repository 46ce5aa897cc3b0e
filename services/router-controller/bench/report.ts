/** What the rounds come to: medians, and ratios within a round. */
import { median, round } from './figures.ts';
import type { Cell, Scenario } from './scenarios.ts';

export interface Row extends Cell {
  readonly round: number;
  readonly scenario: string;
  readonly target: string;
}

/** What is kept of a run; null: its scenario was not part of it. */
export interface Summary {
  /** CPU milliseconds a request with 64 connections. */
  readonly cpu_ms_c64: number | null;
  /** The same as a multiple of a bare undici proxy's. */
  readonly x_undici_raw: number | null;
  readonly rps_c64: number | null;
  readonly cpu_ms_c1: number | null;
  readonly added_p50_ms_c1: number | null;
  readonly ttft_added_p50_ms: number | null;
  readonly cpu_us_per_chunk: number | null;
  readonly rss_mb: number | null;
  /** Requests a second of two workers against one process. */
  readonly workers_x: number | null;
}

type Figure = Exclude<keyof Cell, 'ok' | 'failed'>;

const of = (rows: readonly Row[], scenario: string, target: string, figure: Figure) =>
  rows.filter((row) => row.scenario === scenario && row.target === target).map((row) => row[figure]);

/** Figures of one target against another's of the same round. */
function paired(
  rows: readonly Row[],
  scenario: string,
  [target, other]: readonly [string, string],
  figure: Figure,
  combine: (mine: number, its: number) => number,
): number | null {
  const cells = rows.filter((row) => row.scenario === scenario);
  return median(
    cells
      .filter((row) => row.target === target)
      .map((mine) => {
        const its = cells.find((row) => row.target === other && row.round === mine.round);
        const [a, b] = [mine[figure], its?.[figure]];
        return a == null || b == null ? null : combine(a, b);
      }),
  );
}

const ratio = (a: number, b: number) => a / b;
const difference = (a: number, b: number) => a - b;

export function summary(rows: readonly Row[]): Summary {
  const ours = (scenario: string, figure: Figure, digits?: number) =>
    round(median(of(rows, scenario, 'ours', figure)), digits);
  return {
    cpu_ms_c64: ours('c64', 'cpuMs'),
    x_undici_raw: round(paired(rows, 'c64', ['ours', 'undici-raw'], 'cpuMs', ratio), 2),
    rps_c64: ours('c64', 'rps', 0),
    cpu_ms_c1: ours('c1', 'cpuMs'),
    added_p50_ms_c1: round(paired(rows, 'c1', ['ours', 'direct'], 'p50', difference)),
    ttft_added_p50_ms: round(paired(rows, 'ttft', ['ours', 'direct'], 'ttft50', difference)),
    cpu_us_per_chunk: ours('chunks', 'cpuUsPerChunk', 2),
    rss_mb: round(median(of(rows, 'c64', 'ours', 'rssMb')), 0),
    workers_x: round(paired(rows, 'workers', ['ours-2-workers', 'ours'], 'rps', ratio), 2),
  };
}

const COLUMNS: readonly (readonly [title: string, figure: Figure, digits: number])[] = [
  ['CPU ms', 'cpuMs', 3],
  ['p50 ms', 'p50', 2],
  ['p99 ms', 'p99', 2],
  ['req/s', 'rps', 0],
  ['TTFT p50', 'ttft50', 2],
  ['TTFT p99', 'ttft99', 2],
  ['CPU µs/chunk', 'cpuUsPerChunk', 2],
  ['lag p99', 'lag99', 1],
  ['CPU %', 'cpuPercent', 0],
  ['RSS MB', 'rssMb', 0],
  ['idle MB', 'idleMb', 0],
];

/** As Markdown. The columns `×` are CPU against undici-raw and against the checkout given by --against. */
export function table(rows: readonly Row[], scenarios: readonly Scenario[]): string {
  const titles = ['scenario', 'target', '× undici-raw', '× before', ...COLUMNS.map(([title]) => title)];
  const lines = [titles, titles.map(() => '---')];
  for (const { name } of scenarios) {
    const targets = new Set(rows.filter(({ scenario }) => scenario === name).map(({ target }) => target));
    for (const target of [...targets].sort()) {
      const against = (other: string) =>
        paired(rows, name, [target, other], 'cpuMs', ratio)?.toFixed(2) ?? '';
      lines.push([
        name,
        target,
        target === 'undici-raw' ? '' : against('undici-raw'),
        target === 'before' ? '' : against('before'),
        ...COLUMNS.map(([, figure, digits]) => median(of(rows, name, target, figure))?.toFixed(digits) ?? ''),
      ]);
    }
  }
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
