/** Tells a run: while it goes, as a table, and for programs. */
import type { Money } from './cost.ts';
import { plannedOf } from './open-loop.ts';
import type { Options } from './options.ts';
import { type Percentiles, percentiles, type Tally } from './tally.ts';
import type { OfLabel, Slice, Timeline } from './timeline.ts';

/** What `--json` prints. */
export interface Report {
  readonly url: string;
  /** When the run ended, ISO 8601. */
  readonly at: string;
  readonly loop: 'open' | 'closed';
  /** Requests a second that were asked for; null in a closed loop, which takes what it gets. */
  readonly rate: number | null;
  readonly clients: number | null;
  readonly mix: string;
  readonly stream_share: number;
  readonly policy: string | null;
  readonly unique: boolean;
  readonly seconds: number;
  /** Null: a closed loop plans none. */
  readonly planned: number | null;
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
  readonly answered_per_s: number;
  /** As the router counts it, of all that it did meanwhile; null: it shows no metrics. */
  readonly cost_usd: number | null;
  readonly saved_usd: number | null;
  readonly by_label: Readonly<Record<string, OfLabel>>;
  /** Length of a slice of the timeline, seconds. */
  readonly slice_s: number;
  readonly timeline: readonly Slice[];
  /** Nothing of an answer came, from the first request on: what was wrong, where, and what would be right. */
  readonly gave_up: string | null;
}

const round = (value: number, digits: number) => Number(value.toFixed(digits));

export function reportOf(
  options: Options,
  tally: Tally,
  elapsedMs: number,
  timeline: Timeline,
  money: Money | null,
  gaveUp: string | null = null,
): Report {
  const elapsed = Math.max(elapsedMs, 1) / 1000;
  const isClosed = options.clients !== null;
  return {
    url: options.url,
    at: new Date().toISOString(),
    loop: isClosed ? 'closed' : 'open',
    rate: isClosed ? null : options.rate,
    clients: options.clients,
    mix: options.mix,
    stream_share: options.streamShare,
    policy: options.policy,
    unique: !options.repeat,
    seconds: options.seconds,
    planned: isClosed ? null : plannedOf(options),
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
    answered_per_s: round(tally.answered / elapsed, 2),
    cost_usd: money && round(money.cost, 6),
    saved_usd: money && round(money.saved, 6),
    by_label: timeline.byLabel(),
    slice_s: timeline.width,
    timeline: timeline.slices(),
    gave_up: gaveUp,
  };
}

/** What is about to happen. */
export function planLine(options: Options, prompts: number): string {
  const { url, rate, seconds, streamShare, concurrencyLimit, policy, clients, mix, repeat } = options;
  const load =
    clients === null
      ? `${rate} requests/s for ${seconds} s (${plannedOf(options)} in all)`
      : `${clients} clients, each after its answer, for ${seconds} s`;
  return (
    `load on ${url}, policy ${policy ?? '(the router’s default)'}: ${load} of ${prompts} prompts` +
    `${mix === 'short' ? '' : ` (mix ${mix})`}${repeat ? ', repeated' : ''}, ${round(streamShare * 100, 1)} % streamed` +
    `${clients === null ? `, at most ${concurrencyLimit} at once` : ''}`
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
  const requests =
    planned === null
      ? `${sent} sent in ${elapsed_s} s by ${report.clients} clients`
      : `${planned} planned, ${sent} sent in ${elapsed_s} s, ${not_sent} not sent (${concurrencyLimit} at once was the limit)`;
  const money =
    report.cost_usd === null
      ? []
      : [
          `${'cost'.padEnd(18)}$${report.cost_usd} by the router’s prices, $${report.saved_usd} saved against its dearest model`,
        ];
  const lines = [
    `${'requests'.padEnd(18)}${requests}`,
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
    `${'throughput'.padEnd(18)}${report.answered_per_s} answers a second`,
    ...money,
    `${'generator'.padEnd(18)}began no request later than ${report.latest_start_ms} ms behind its time`,
  ];
  return lines.join('\n');
}
