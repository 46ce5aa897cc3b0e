/** Two runs beside each other. */
import type { Report } from './report.ts';

type Read = (report: Report) => number | null | undefined;

const FIGURES: readonly (readonly [name: string, unit: string, read: Read])[] = [
  ['answered', '', (report) => report.answered],
  ['failed', '', (report) => report.failed],
  ['not sent', '', (report) => report.not_sent],
  ['answers a second', '', (report) => report.answered_per_s],
  ['latency p50', ' ms', (report) => report.latency_ms?.p50],
  ['latency p90', ' ms', (report) => report.latency_ms?.p90],
  ['latency p99', ' ms', (report) => report.latency_ms?.p99],
  ['first token p50', ' ms', (report) => report.ttft_ms?.p50],
  ['first token p99', ' ms', (report) => report.ttft_ms?.p99],
  ['tokens out a second', '', (report) => report.tokens.completion_per_s],
  ['cost, USD', '', (report) => report.cost_usd],
];

const told = (value: number | null | undefined, unit: string) =>
  value == null || Number.isNaN(value) ? '–' : `${Number(value.toPrecision(4))}${unit}`;

function change(a: number | null | undefined, b: number | null | undefined): string {
  if (a == null || b == null || Number.isNaN(a + b)) return '–';
  if (a === b) return '=';
  if (a === 0) return 'new';
  const percent = (100 * (b - a)) / a;
  return `${percent > 0 ? '+' : ''}${percent.toFixed(1)} %`;
}

/** Name, before, after, change; labels that differ in share by a hundredth or more stand at the end. */
export function compare(a: Report, b: Report): string[][] {
  const rows = FIGURES.map(([name, unit, read]) => [
    name,
    told(read(a), unit),
    told(read(b), unit),
    change(read(a), read(b)),
  ]);
  const share = (report: Report, label: string) => (report.labels[label] ?? 0) / Math.max(1, report.sent);
  const names = [...new Set([...Object.keys(a.labels), ...Object.keys(b.labels)])];
  const moved = names.filter((label) => Math.abs(share(b, label) - share(a, label)) >= 0.01);
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  return [
    ...rows,
    ...moved.map((label) => [
      `label ${label}`,
      percent(share(a, label)),
      percent(share(b, label)),
      change(share(a, label), share(b, label)),
    ]),
  ];
}

/** What must be the same for two runs to be comparable, and is not. */
export function differences(a: Report, b: Report): string[] {
  const settings = ['loop', 'rate', 'clients', 'mix', 'stream_share', 'unique', 'policy'] as const;
  return settings
    .filter((name) => a[name] !== b[name])
    .map((name) => `${name}: ${a[name] ?? 'none'} and ${b[name] ?? 'none'}`);
}

export function compareTable(rows: readonly (readonly string[])[]): string {
  const all = [['', 'A', 'B', 'change'], ...rows];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...all.map((row) => row[at]!.length)));
  return all
    .map((row) =>
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[at]!))).join('  '),
    )
    .join('\n');
}
