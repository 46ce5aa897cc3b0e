/** Small pieces of PromQL, so that every panel and alert says the same thing the same way. */
import { CATALOGUE } from '../../../services/router-controller/src/observe/catalogue.ts';

type Key = keyof typeof CATALOGUE;

/** The release that a board is narrowed to. */
export const CHOSEN = 'namespace=~"$namespace",job=~"$job"';

/** A series selector of one of the router's metrics; `suffix` is a histogram's _bucket, _sum or _count. */
export const metric = (key: Key, where = '', suffix = '') =>
  `${CATALOGUE[key].name}${suffix}{${CHOSEN}${where && `,${where}`}}`;

const WINDOW = '$__rate_interval';

/** Per-second rate, added up by labels. */
export const rate = (key: Key, by: readonly string[] = [], where = '', window = WINDOW) =>
  `sum${by.length > 0 ? ` by (${by.join(', ')})` : ''} (rate(${metric(key, where)}[${window}]))`;

/** Per-second rate of a histogram's observations. */
export const countRate = (key: Key, by: readonly string[] = [], where = '', window = WINDOW) =>
  `sum${by.length > 0 ? ` by (${by.join(', ')})` : ''} (rate(${metric(key, where, '_count')}[${window}]))`;

/** Quantile of a histogram. */
export const quantile = (q: number, key: Key, by: readonly string[] = [], where = '', window = WINDOW) =>
  `histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (rate(${metric(key, where, '_bucket')}[${window}])))`;

/** Mean of a histogram. */
export const mean = (key: Key, by: readonly string[] = [], where = '', window = WINDOW) => {
  const part = (suffix: string) =>
    `sum${by.length > 0 ? ` by (${by.join(', ')})` : ''} (rate(${metric(key, where, suffix)}[${window}]))`;
  return `${part('_sum')} / ${part('_count')}`;
};

/** Where nothing was counted there was nothing: zero, not a gap. Only for counters of events. */
export const orZero = (expr: string) => `${expr} or on () vector(0)`;

/**
 * How far label shares have moved against an earlier time, 0…1 by policy: half the sum of the differences (total
 * variation distance). Labels that came or went count with their whole share.
 */
export function labelDrift(window: string, offset: string, select: (key: Key) => string): string {
  const share = (at: string) => {
    const count = (by: string) => `sum by (${by}) (rate(${select('classifications')}[${window}]${at}))`;
    return `(${count('policy, label')} / on (policy) group_left () ${count('policy')})`;
  };
  const [now, then] = [share(''), share(` offset ${offset}`)];
  return `sum by (policy) (abs((${now} or ${then} * 0) - (${then} or ${now} * 0))) / 2`;
}
