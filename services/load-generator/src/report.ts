/** Tells a run: while it goes, as a table, and for programs. */
import { plannedOf } from './open-loop.ts';
import type { Options } from './options.ts';
import { type Percentiles, percentiles, type Tally } from './tally.ts';

/** What `--json` prints. */
export interface Report {
  readonly url: string;
  readonly rate: number;
  readonly seconds: number;
  readonly planned: number;
  readonly sent: number;
  readonly not_sent: number;
  readonly answered: number;
  readonly failed: number;
  readonly unfinished: number;
  /** From the first intended start to the last end. */
  readonly elapsed_s: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, number>>;
  readonly models: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly latency_ms: Percentiles | null;
  readonly ttft_ms: Percentiles | null;
  readonly tokens: {
    readonly prompt: number;
    readonly completion: number;
    readonly completion_per_s: number;
  };
  readonly latest_start_ms: number;
}

const round = (value: number, digits: number) => Number(value.toFixed(digits));

export function reportOf(options: Options, tally: Tally, elapsedMs: number): Report {
  const elapsed = Math.max(elapsedMs, 1) / 1000;
  return {
    url: options.url,
    rate: options.rate,
    seconds: options.seconds,
    planned: plannedOf(options),
    sent: tally.sent,
    not_sent: tally.notSent,
    answered: tally.answered,
    failed: tally.failed,
    unfinished: tally.unfinished,
    elapsed_s: round(elapsed, 2),
    statuses: tally.statuses.toObject(),
    labels: tally.labels.toObject(),
    models: tally.models.toObject(),
    errors: tally.errors.toObject(),
    latency_ms: percentiles(tally.latencies),
    ttft_ms: percentiles(tally.ttfts),
    tokens: {
      prompt: tally.promptTokens,
      completion: tally.completionTokens,
      completion_per_s: round(tally.completionTokens / elapsed, 1),
    },
    latest_start_ms: round(tally.latestStartMs, 1),
  };
}

/** What is about to happen. */
export function planLine(options: Options, prompts: number): string {
  const { url, rate, seconds, streamShare, concurrencyLimit, policy } = options;
  return (
    `load on ${url}, policy ${policy ?? '(the router’s default)'}: ${rate} requests/s for ${seconds} s ` +
    `(${plannedOf(options)} in all) of ${prompts} prompts, ${round(streamShare * 100, 1)} % streamed, ` +
    `at most ${concurrencyLimit} at once`
  );
}

export function progressLine(tally: Tally, elapsedMs: number): string {
  const { sent, answered, failed, underWay, notSent } = tally;
  return (
    `${String(Math.round(elapsedMs / 1000)).padStart(5)} s: ${sent} sent, ${answered} answered, ` +
    `${failed} failed, ${underWay} under way, ${notSent} not sent`
  );
}

const times = (name: string, values: Percentiles | null) =>
  values === null
    ? `${name.padEnd(18)}none`
    : name.padEnd(18) +
      [values.p50, values.p90, values.p99, values.max].map((ms) => ms.toFixed(1).padStart(10)).join('');

function counts(name: string, all: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(all);
  if (entries.length === 0) return [`${name.padEnd(18)}none`];
  const width = Math.max(...entries.map(([key]) => key.length));
  return entries.map(
    ([key, count], index) =>
      `${(index === 0 ? name : '').padEnd(18)}${key.padEnd(width)} ${String(count).padStart(7)}`,
  );
}

export function table(report: Report, concurrencyLimit: number): string {
  const { planned, sent, not_sent, answered, failed, unfinished, tokens, elapsed_s } = report;
  const lines = [
    `${'requests'.padEnd(18)}${planned} planned, ${sent} sent in ${elapsed_s} s, ${not_sent} not sent (${concurrencyLimit} at once was the limit)`,
    `${''.padEnd(18)}${answered} answered, ${failed} failed, ${unfinished} unfinished`,
    ...counts('statuses', report.statuses),
    ...counts('labels', report.labels),
    ...counts('models', report.models),
    ...counts('errors', report.errors),
    '',
    `${'ms, of answered'.padEnd(18)}${['p50', 'p90', 'p99', 'max'].map((head) => head.padStart(10)).join('')}`,
    times('latency', report.latency_ms),
    times('first token', report.ttft_ms),
    '',
    `${'tokens'.padEnd(18)}${tokens.prompt} in, ${tokens.completion} out, ${tokens.completion_per_s} out per second`,
    `${'generator'.padEnd(18)}began no request later than ${report.latest_start_ms} ms behind its time`,
  ];
  return lines.join('\n');
}
