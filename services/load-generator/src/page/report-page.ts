/** One run, or two beside each other, as a page. */
import type { Report } from '../report.ts';
import type { Slice } from '../timeline.ts';
import { lineChart, type Series } from './chart.ts';
import { type Column, escaped, page, table, tiles } from './markup.ts';

const ms = (value: number | null | undefined) => (value == null ? '–' : `${Number(value.toPrecision(3))} ms`);
const usd = (value: number | null) => (value === null ? '–' : `$${value.toFixed(value < 1 ? 4 : 2)}`);

export const whatOf = (report: Report): string => {
  const load =
    report.loop === 'open'
      ? `open loop, ${report.rate} requests/s`
      : `closed loop, ${report.clients} clients`;
  return (
    `${report.url}, ${load} for ${report.seconds} s, mix ${report.mix}, ` +
    `${Math.round(100 * report.stream_share)} % streamed, ${report.unique ? 'every prompt its own' : 'prompts repeated'}, ` +
    `ended ${report.at.slice(0, 19).replace('T', ' ')} UTC`
  );
};

type Pick = (slice: Slice, report: Report) => number | null;

/** What is drawn over time, and how. */
const CHARTS: readonly {
  title: string;
  unit: string;
  lines: readonly (readonly [name: string, colour: Series['colour'], pick: Pick])[];
}[] = [
  {
    title: 'Latency of whole answers',
    unit: 'ms',
    lines: [
      ['p50', 0, (slice) => slice.latency_p50_ms],
      ['p90', 1, (slice) => slice.latency_p90_ms],
      ['p99', 2, (slice) => slice.latency_p99_ms],
    ],
  },
  { title: 'Time to first token', unit: 'ms', lines: [['p50', 3, (slice) => slice.ttft_p50_ms]] },
  {
    title: 'Throughput',
    unit: 'a second',
    lines: [
      ['answered', 0, (slice, { slice_s }) => slice.answered / slice_s],
      ['failed', 'bad', (slice, { slice_s }) => slice.failed / slice_s],
    ],
  },
  {
    title: 'Tokens',
    unit: 'a second',
    lines: [['out', 1, (slice, { slice_s }) => slice.completion_tokens / slice_s]],
  },
];

function charts(reports: readonly Report[]): string {
  const two = reports.length > 1;
  return CHARTS.map(({ title, unit, lines }) => {
    const series = reports.flatMap((report, at) =>
      lines.map(
        ([name, colour, pick]): Series => ({
          name: two ? `${name}, ${'AB'[at]}` : name,
          colour,
          // The first of two is where one came from.
          dashed: two && at === 0,
          points: report.timeline.map((slice) => [slice.at_s, pick(slice, report)]),
        }),
      ),
    );
    return `<h2>${escaped(title)}</h2>${lineChart(`${title} over the run, ${unit}`, unit, series)}`;
  }).join('\n');
}

const COUNT_COLUMNS: readonly Column[] = [{ head: '' }, { head: 'requests', isNumber: true }, { head: '' }];

function counts(title: string, all: Readonly<Record<string, number>>): string {
  const rows = Object.entries(all);
  if (rows.length === 0) return '';
  const most = Math.max(...rows.map(([, count]) => count));
  const cells = rows.map(([name, count]) => [
    escaped(name),
    String(count),
    `<span class="bar" style="width:${((100 * count) / most).toFixed(1)}%"></span>`,
  ]);
  return `<h2>${escaped(title)}</h2>${table(COUNT_COLUMNS, cells)}`;
}

function labels({ by_label }: Report): string {
  const rows = Object.entries(by_label);
  if (rows.length === 0) return '';
  const most = Math.max(...rows.map(([, { answered }]) => answered));
  const columns: Column[] = [
    { head: 'label' },
    { head: 'answered', isNumber: true },
    { head: '' },
    { head: 'p50', isNumber: true },
    { head: 'p99', isNumber: true },
  ];
  const cells = rows.map(([name, { answered, latency_p50_ms, latency_p99_ms }]) => [
    escaped(name),
    String(answered),
    `<span class="bar" style="width:${((100 * answered) / most).toFixed(1)}%"></span>`,
    ms(latency_p50_ms),
    ms(latency_p99_ms),
  ]);
  return `<h2>Labels</h2>${table(columns, cells)}`;
}

export function reportPage(report: Report): string {
  const { latency_ms: latency, ttft_ms: ttft } = report;
  const numbers = tiles([
    [String(report.answered), 'answered'],
    [String(report.failed), 'failed'],
    [String(report.not_sent), 'not sent (limit at once)'],
    [String(report.answered_per_s), 'answers a second'],
    [ms(latency?.p50), 'latency p50'],
    [ms(latency?.p90), 'latency p90'],
    [ms(latency?.p99), 'latency p99'],
    [ms(ttft?.p50), 'first token p50'],
    [String(report.tokens.completion_per_s), 'tokens out a second'],
    [usd(report.cost_usd), 'cost'],
    [usd(report.saved_usd), 'saved'],
  ]);
  return page(
    'Load test',
    `<h1>Load test</h1><p>${escaped(whatOf(report))}</p>${numbers}
${charts([report])}
${labels(report)}
${counts('Models', report.models)}
${counts('Errors by kind', report.errors)}
${counts('Statuses', report.statuses)}
<p>Times count from when a request was intended to begin; the generator began none later than ${escaped(report.latest_start_ms)} ms behind its time.</p>`,
  );
}

/** @param rows as `compare` tells them: name, before, after, change */
export function comparePage(a: Report, b: Report, rows: readonly (readonly string[])[]): string {
  const columns: Column[] = [
    { head: '' },
    { head: 'A', isNumber: true },
    { head: 'B', isNumber: true },
    { head: 'change', isNumber: true },
  ];
  return page(
    'Two load tests',
    `<h1>Two load tests</h1><p>A (dashed): ${escaped(whatOf(a))}</p><p>B: ${escaped(whatOf(b))}</p>
${table(
  columns,
  rows.map((row) => row.map(escaped)),
)}
${charts([a, b])}`,
  );
}
