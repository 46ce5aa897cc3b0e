/** Reads Prometheus' text, and what changed between two readings of it. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** By metric name. */
export type Snapshot = ReadonlyMap<string, readonly Sample[]>;

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

const unescaped = (text: string) =>
  text.replaceAll(/\\(.)/g, (_all, each: string) => (each === 'n' ? '\n' : each));

export function parseMetrics(text: string): Snapshot {
  const all = new Map<string, Sample[]>();
  for (const line of text.split('\n')) {
    const match = line.startsWith('#') ? null : LINE.exec(line);
    if (!match) continue;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (match[2] ?? '').matchAll(LABEL)) labels[name!] = unescaped(value!);
    const sample = { labels, value: Number(match[3]) };
    const known = all.get(match[1]!);
    if (known) known.push(sample);
    else all.set(match[1]!, [sample]);
  }
  return all;
}

/** Whether a router told it: something else may answer with 200 to any path. */
export const isRouters = (snapshot: Snapshot): boolean =>
  [...snapshot.keys()].some((name) => name.startsWith('llm_router_'));

/** Sum of a metric's samples, by the value of one of its labels. */
export function sumBy(snapshot: Snapshot, metric: string, label: string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { labels, value } of snapshot.get(metric) ?? []) {
    const key = labels[label] ?? '';
    sums.set(key, (sums.get(key) ?? 0) + value);
  }
  return sums;
}

export const sum = (snapshot: Snapshot, metric: string): number =>
  (snapshot.get(metric) ?? []).reduce((total, { value }) => total + value, 0);

/** What was added to each; a counter that was reset (a restart) begins anew. */
export function growth(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Map<string, number> {
  return new Map(
    [...after].map(([key, value]) => {
      const was = before.get(key) ?? 0;
      return [key, value >= was ? value - was : value];
    }),
  );
}

/**
 * A share of a histogram's values that came between two readings, as Prometheus' histogram_quantile tells it.
 *
 * @returns seconds; null: none came.
 */
export function quantile(
  before: Snapshot,
  after: Snapshot,
  metric: string,
  share: number,
  only: (labels: Readonly<Record<string, string>>) => boolean = () => true,
): number | null {
  const buckets = (snapshot: Snapshot) => {
    const sums = new Map<number, number>();
    for (const { labels, value } of snapshot.get(`${metric}_bucket`) ?? []) {
      if (!only(labels)) continue;
      const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
      sums.set(bound, (sums.get(bound) ?? 0) + value);
    }
    return sums;
  };
  const was = buckets(before);
  const now = [...buckets(after)]
    .sort(([a], [b]) => a - b)
    .map(([bound, count]) => ({
      bound,
      count: Math.max(0, count - (was.get(bound) ?? 0)),
    }));
  const total = now.at(-1)?.count ?? 0;
  if (total === 0) return null;
  const rank = share * total;
  const at = now.findIndex(({ count }) => count >= rank);
  const [low, below] = at === 0 ? [0, 0] : [now[at - 1]!.bound, now[at - 1]!.count];
  const { bound, count } = now[at]!;
  if (bound === Number.POSITIVE_INFINITY) return low;
  return low + ((bound - low) * (rank - below)) / Math.max(1, count - below);
}
