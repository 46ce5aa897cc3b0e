/** Results of earlier runs, and a picture of them. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Summary } from './report.ts';

const FILE = join(import.meta.dirname, 'history.jsonl');
const PICTURE = join(import.meta.dirname, 'history.svg');

export interface Entry extends Summary {
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly label: string;
}

export function readHistory(file = FILE): Entry[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Entry);
}

/** Adds a run and draws all. */
export function record(label: string, result: Summary): void {
  const entry: Entry = { date: new Date().toISOString().slice(0, 10), label, ...result };
  appendFileSync(FILE, `${JSON.stringify(entry)}\n`);
  writeFileSync(PICTURE, picture(readHistory()));
}

const WIDTH = 760;
const ROW = 22;
const LABEL_WIDTH = 300;

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A bar a run: CPU a request with 64 connections, as a multiple of a bare proxy's in the same run. */
export function picture(entries: readonly Entry[]): string {
  const shown = entries.filter(({ x_undici_raw }) => x_undici_raw !== null);
  const most = Math.max(1, ...shown.map(({ x_undici_raw }) => x_undici_raw!));
  const bars = shown.map(({ label, x_undici_raw, cpu_ms_c64 }, at) => {
    const y = 34 + at * ROW;
    const width = ((WIDTH - LABEL_WIDTH - 130) * x_undici_raw!) / most;
    return [
      `<text x="${LABEL_WIDTH - 8}" y="${y + 14}" text-anchor="end">${escaped(label)}</text>`,
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 6}" fill="#4c78a8"/>`,
      `<text x="${(LABEL_WIDTH + width + 6).toFixed(1)}" y="${y + 14}">${x_undici_raw} × (${cpu_ms_c64} ms)</text>`,
    ].join('');
  });
  const height = 44 + shown.length * ROW;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
<title>CPU a request in earlier runs</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="10" y="20" font-weight="bold">CPU a request, 64 connections, × a bare undici proxy in the same run</text>
${bars.join('\n')}
</svg>
`;
}
