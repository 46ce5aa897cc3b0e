/** A line chart as SVG: time along, one value up, a few series. */
import { escaped } from './markup.ts';

export interface Series {
  readonly name: string;
  /** Number of the colour in the page's style. */
  readonly colour: 0 | 1 | 2 | 3 | 'bad';
  readonly dashed?: boolean;
  /** Null: there is nothing at that time, and the line has a gap. */
  readonly points: readonly (readonly [seconds: number, value: number | null])[];
}

const WIDTH = 900;
const HEIGHT = 240;
const LEFT = 60;
const BOTTOM = 28;
const TOP = 10;
const TICKS = 4;

/** The next of 1, 2, 5, 10, 20 … so that axes end on round numbers. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((each) => each * power >= value)!;
  return step * power;
}

const short = (value: number) =>
  value >= 10_000 ? `${value / 1000}k` : String(Number(value.toPrecision(3)));

/** @param caption says what is drawn, also to those who can't see it. */
export function lineChart(caption: string, unit: string, series: readonly Series[]): string {
  const all = series.flatMap(({ points }) => points);
  const most = roundUp(Math.max(0, ...all.map(([, value]) => value ?? 0)));
  const end = Math.max(1, ...all.map(([seconds]) => seconds));
  const x = (seconds: number) => (LEFT + (seconds / end) * (WIDTH - LEFT - 10)).toFixed(1);
  const y = (value: number) => (TOP + (1 - value / most) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const levels = Array.from({ length: TICKS + 1 }, (_, at) => (most * at) / TICKS);
  const grid = levels.map(
    (level) =>
      `<line class="axis" x1="${LEFT}" x2="${WIDTH - 10}" y1="${y(level)}" y2="${y(level)}"/>` +
      `<text x="${LEFT - 8}" y="${Number(y(level)) + 4}" text-anchor="end">${short(level)}</text>`,
  );
  const times = Array.from({ length: TICKS + 1 }, (_, at) => (end * at) / TICKS).map(
    (seconds) =>
      `<text x="${x(seconds)}" y="${HEIGHT - 8}" text-anchor="${seconds === 0 ? 'start' : seconds === end ? 'end' : 'middle'}">${short(seconds)} s</text>`,
  );
  const lines = series.map(({ points, colour, dashed, name }) => {
    let isOpen = false;
    const path = points.map(([seconds, value]) => {
      if (value === null) {
        isOpen = false;
        return '';
      }
      const command = isOpen ? 'L' : 'M';
      isOpen = true;
      // A point between two gaps would be no line at all.
      return `${command}${x(seconds)} ${y(value)}${command === 'M' ? 'h0.1' : ''}`;
    });
    return `<path d="${path.join('')}" fill="none" stroke="var(--${colour === 'bad' ? 'bad' : `c${colour}`})" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"${dashed ? ' stroke-dasharray="6 5"' : ''}><title>${escaped(name)}</title></path>`;
  });
  const keys = series.map(
    ({ name, colour, dashed }) =>
      `<span class="key" style="background:var(--${colour === 'bad' ? 'bad' : `c${colour}`})${dashed ? ';opacity:.6' : ''}"></span>${escaped(name)}`,
  );
  return `<figure><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(caption)}">${[...grid, ...times, ...lines].join('')}</svg><figcaption>${escaped(unit)} ${keys.join('')}</figcaption></figure>`;
}
