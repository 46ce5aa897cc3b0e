/** Asks a Prometheus what each panel would ask it. */
import { type Panel, panelsOf } from '../../deploy/grafana/src/board.ts';
import { BOARDS } from '../../deploy/grafana/src/boards.ts';
import type { PrometheusApi, SeriesData } from '../parts/start-prometheus.ts';

export interface Answer {
  readonly board: string;
  readonly panel: Panel;
  /** By query: series with a finite newest value. */
  readonly values: readonly (readonly SeriesData[])[];
  /** A part that it needs is not here: what it shows can't be asked for. */
  readonly absent: string | null;
}

/** What Grafana puts in for its variables, cut to a run of seconds: windows, and the time to compare with. */
const SECONDS: Readonly<Record<string, string>> = {
  __rate_interval: '20s',
  __range: '40s',
  window: '10s',
  compare: '5s',
};

export const fillIn = (expr: string) =>
  expr.replaceAll(/\$\{?(\w+)\}?/g, (_whole, name: string) => SECONDS[name] ?? '.*');

const legendOf = (series: SeriesData) =>
  Object.entries(series.metric)
    .filter(([key]) => !['job', '__name__', 'instance'].includes(key))
    .map(([, value]) => value)
    .join(' ');

const newest = ({ values }: SeriesData) => values.at(-1)?.[1] ?? Number.NaN;

export const hasData = ({ values }: Answer) => values.every((series) => series.length > 0);

/** Every panel's queries, in the dashboards' order. */
export async function askAll(prometheus: PrometheusApi, has: ReadonlySet<string>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const board of BOARDS) {
    for (const panel of panelsOf(board)) {
      const values: SeriesData[][] = [];
      for (const { expr } of panel.queries) {
        const series = await prometheus.query(fillIn(expr));
        values.push(series.filter((each) => Number.isFinite(newest(each))));
      }
      const absent = panel.needs && !has.has(panel.needs) ? panel.needs : null;
      answers.push({ board: board.title, panel, values, absent });
    }
  }
  return answers;
}

/** A value in the panel's unit. */
export function format(value: number, unit: Panel['unit']): string {
  const short = Number(value.toPrecision(3));
  switch (unit) {
    case 's':
      return value < 1 ? `${Number((value * 1000).toPrecision(3))} ms` : `${short} s`;
    case 'percentunit':
      return `${Number((value * 100).toPrecision(3))} %`;
    case 'currencyUSD':
      return `$${short}`;
    case 'bytes':
      return `${Math.round(value / 1024 / 1024)} MiB`;
    case 'reqps':
    case 'cps':
      return `${short}/s`;
    case 'dateTimeFromNow':
      return new Date(value).toISOString();
    default:
      return String(short);
  }
}

/** The values of a panel in one line: the largest series of each query first. */
export function inWords({ panel, values, absent }: Answer, most = 3): string {
  if (absent) return `not here: needs ${absent}`;
  return values
    .map((series) => {
      if (series.length === 0) return 'NO DATA';
      const sorted = [...series].sort((a, b) => newest(b) - newest(a));
      const told = sorted
        .slice(0, most)
        .map((each) => [legendOf(each), format(newest(each), panel.unit)].filter(Boolean).join(' '));
      return told.join(', ') + (series.length > most ? ` (+${series.length - most})` : '');
    })
    .join(' · ');
}
