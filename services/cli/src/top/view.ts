/** What `top` shows: one interval as a value, and as lines. */
import { columns, paint } from '../lib/paint.ts';
import { growth, quantile, type Snapshot, sum, sumBy } from './metrics.ts';

export interface TargetView {
  readonly target: string;
  readonly per_s: number;
  readonly p50_s: number | null;
  readonly p90_s: number | null;
  readonly first_byte_p50_s: number | null;
  /** Share of attempts that gave no answer. */
  readonly failed: number;
  readonly breaker: 'closed' | 'half-open' | 'open' | null;
  readonly usd_per_h: number;
}

export interface View {
  readonly seconds: number;
  readonly requests_per_s: number;
  readonly in_flight: number;
  readonly queued: number;
  readonly usd_per_h: number;
  readonly saved_usd_per_h: number;
  readonly labels: readonly { readonly label: string; readonly per_s: number; readonly share: number }[];
  readonly targets: readonly TargetView[];
  readonly errors: readonly { readonly code: string; readonly per_s: number }[];
}

const BREAKERS = ['closed', 'half-open', 'open'] as const;
const HOUR_S = 3_600;

const most = ([, a]: readonly [string, number], [, b]: readonly [string, number]) => b - a;

/** @param seconds between the two readings. */
export function viewOf(before: Snapshot, after: Snapshot, seconds: number): View {
  const grown = (metric: string, label: string) =>
    growth(sumBy(before, metric, label), sumBy(after, metric, label));
  const rate = (value: number) => value / seconds;
  const total = (values: ReadonlyMap<string, number>) =>
    [...values.values()].reduce((all, value) => all + value, 0);
  const entries = grown('llm_router_decisions_total', 'entry');
  const decided = total(entries);
  const failed = (outcome: string) => !/^(?:ok|aborted|incapable)$/.test(outcome);
  const ofTarget = (target: string, count: number): TargetView => {
    const only = (labels: Readonly<Record<string, string>>) => labels.target === target;
    const outcomes = (snapshot: Snapshot) =>
      new Map(
        (snapshot.get('llm_router_upstream_attempts_total') ?? [])
          .filter(({ labels }) => only(labels))
          .map(({ labels, value }) => [labels.outcome ?? '', value]),
      );
    const attempts = growth(outcomes(before), outcomes(after));
    const bad = total(new Map([...attempts].filter(([outcome]) => failed(outcome))));
    const state = after.get('llm_router_breaker_state')?.find(({ labels }) => only(labels))?.value;
    return {
      target,
      per_s: rate(count),
      p50_s: quantile(before, after, 'llm_router_upstream_seconds', 0.5, only),
      p90_s: quantile(before, after, 'llm_router_upstream_seconds', 0.9, only),
      first_byte_p50_s: quantile(before, after, 'llm_router_first_byte_seconds', 0.5, only),
      failed: bad / Math.max(1, total(attempts)),
      breaker: state === undefined ? null : (BREAKERS[state] ?? null),
      usd_per_h: rate(grown('llm_router_cost_usd_total', 'target').get(target) ?? 0) * HOUR_S,
    };
  };
  return {
    seconds,
    requests_per_s: rate(total(grown('llm_router_requests_total', 'policy'))),
    in_flight: sum(after, 'llm_router_in_flight'),
    queued: sum(after, 'llm_router_queue_length'),
    usd_per_h: rate(total(grown('llm_router_cost_usd_total', 'target'))) * HOUR_S,
    saved_usd_per_h: rate(total(grown('llm_router_savings_usd_total', 'policy'))) * HOUR_S,
    labels: [...entries]
      .filter(([, count]) => count > 0)
      .sort(most)
      .map(([label, count]) => ({ label, per_s: rate(count), share: count / decided })),
    targets: [...grown('llm_router_upstream_attempts_total', 'target')]
      .sort(most)
      .map(([target, count]) => ofTarget(target, count)),
    errors: [...grown('llm_router_requests_total', 'code')]
      .filter(([code, count]) => code !== '' && code !== 'ok' && count > 0)
      .sort(most)
      .map(([code, count]) => ({ code, per_s: rate(count) })),
  };
}

const BAR = 20;
const number = (value: number) => (value >= 10 ? value.toFixed(0) : value.toFixed(1));
const time = (seconds: number | null) =>
  seconds === null ? '–' : seconds < 1 ? `${(seconds * 1000).toFixed(0)} ms` : `${seconds.toFixed(1)} s`;
const usd = (value: number) => `$${value.toFixed(2)}/h`;

export function linesOf(view: View, url: string): string[] {
  const { labels, targets, errors } = view;
  const width = Math.max(0, ...labels.map(({ share }) => share));
  return [
    `${paint('bold', url)}  ${number(view.requests_per_s)} requests/s, ${view.in_flight} in flight, ${view.queued} waiting, ` +
      `${usd(view.usd_per_h)}, ${usd(view.saved_usd_per_h)} saved`,
    '',
    ...columns([
      ['LABEL', 'A SECOND', ''],
      ...labels.map(({ label, per_s, share }) => [
        label,
        number(per_s),
        `${'█'.repeat(Math.max(1, Math.round((share / width) * BAR)))} ${(100 * share).toFixed(0)} %`,
      ]),
    ]),
    ...(labels.length === 0 ? ['(no request in this interval)'] : []),
    '',
    ...columns([
      ['TARGET', 'A SECOND', 'P50', 'P90', 'FIRST BYTE', 'FAILED', 'BREAKER', 'COST'],
      ...targets.map((each) => [
        each.target,
        number(each.per_s),
        time(each.p50_s),
        time(each.p90_s),
        time(each.first_byte_p50_s),
        `${(100 * each.failed).toFixed(0)} %`,
        each.breaker ?? '–',
        usd(each.usd_per_h),
      ]),
    ]),
    ...(errors.length > 0
      ? ['', ...columns([['ERROR', 'A SECOND'], ...errors.map(({ code, per_s }) => [code, number(per_s)])])]
      : []),
  ];
}
