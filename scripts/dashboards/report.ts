/** The dashboards of a run as files to look at: a table of values, and the queries' lines as SVG. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asText } from '../lib/markup.ts';
import type { RunningPrometheus, SeriesData } from '../parts/start-prometheus.ts';
import { type Answer, fillIn, format, hasData, inWords } from './ask.ts';

const WIDTH = 300;
const HEIGHT = 150;
const COLUMNS = 4;
const COLOURS = ['#3274d9', '#56a64b', '#e02f44', '#ff9830', '#8f3bb8', '#37872d', '#1f60c4', '#c4162a'];

const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** Lines of a panel in a box; what is not finite leaves a gap. */
function chart(answer: Answer, series: readonly SeriesData[], x: number, y: number): string {
  const points = series.flatMap(({ values }) => values.filter(([, value]) => Number.isFinite(value)));
  const times = points.map(([time]) => time);
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const top = Math.max(...points.map(([, value]) => value), 0) || 1;
  const at = ([time, value]: readonly [number, number]) =>
    `${(x + 10 + ((time - from) / (to - from || 1)) * (WIDTH - 30)).toFixed(1)},${(y + HEIGHT - 30 - (Math.max(0, value) / top) * (HEIGHT - 65)).toFixed(1)}`;
  const lines = series.map(({ values }, index) => {
    const line = values.filter(([, value]) => Number.isFinite(value)).map(at);
    return `<polyline fill="none" stroke="${COLOURS[index % COLOURS.length]}" stroke-width="1.5" points="${line.join(' ')}"/>`;
  });
  const label = (text: string, dy: number, size: number, colour: string) =>
    `<text x="${x + 10}" y="${y + dy}" font-size="${size}" fill="${colour}">${asText(text)}</text>`;
  return [
    `<rect x="${x}" y="${y}" width="${WIDTH - 8}" height="${HEIGHT - 8}" rx="4" fill="#fff" stroke="#ccd"/>`,
    label(cut(answer.panel.title, 42), 18, 12, '#222'),
    // The scale: lines stand on zero, and this is the height of the highest.
    ...(points.length > 0 ? [label(format(top, answer.panel.unit), 30, 8, '#888')] : []),
    ...lines,
    label(cut(inWords(answer, 2), 56), HEIGHT - 16, 9, hasData(answer) ? '#555' : '#c4162a'),
  ].join('\n');
}

/**
 * Writes `dashboards.md` and one SVG a dashboard.
 *
 * @param seconds how much of the past the lines show.
 */
export async function writeReport(
  folder: string,
  answers: readonly Answer[],
  prometheus: RunningPrometheus,
  seconds: number,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const page = ['# Dashboards of a run', '', 'Each panel’s queries as a real Prometheus answered them.', ''];
  for (const board of new Set(answers.map((answer) => answer.board))) {
    const panels = answers.filter((answer) => answer.board === board);
    const name = `${board.split('/').at(-1)!.trim().toLowerCase().replaceAll(' ', '-')}.svg`;
    const boxes: string[] = [];
    for (const [index, answer] of panels.entries()) {
      const series: SeriesData[] = [];
      for (const { expr } of answer.panel.queries)
        series.push(...(await prometheus.queryRange(fillIn(expr), seconds, 1)));
      boxes.push(
        chart(answer, series, (index % COLUMNS) * WIDTH + 4, Math.floor(index / COLUMNS) * HEIGHT + 4),
      );
    }
    const height = Math.ceil(panels.length / COLUMNS) * HEIGHT + 8;
    writeFileSync(
      join(folder, name),
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH * COLUMNS} ${height}" font-family="sans-serif">\n<title>${board}</title>\n<rect width="100%" height="100%" fill="#f4f5f8"/>\n${boxes.join('\n')}\n</svg>\n`,
    );
    const cell = (text: string) => text.replaceAll('|', '\\|');
    page.push(
      `## ${board}`,
      '',
      `![${board}](${name})`,
      '',
      '| panel | value |',
      '| --- | --- |',
      ...panels.map((answer) => `| ${cell(answer.panel.title)} | ${cell(inWords(answer, 6))} |`),
      '',
    );
  }
  writeFileSync(join(folder, 'dashboards.md'), page.join('\n'));
}
