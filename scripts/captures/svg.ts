/** A terminal's screen as a picture that stays text, light or dark as the reader has it. */
import { asText } from '../lib/markup.ts';
import type { Piece } from './screen.ts';

const [CHARACTER, LINE, EDGE] = [8.4, 19, 14] as const;
/** Light and dark, by name. */
const INKS: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  ink: ['#1f2328', '#e6edf3'],
  paper: ['#f6f8fa', '#0d1117'],
  red: ['#b3261e', '#ff7b72'],
  green: ['#116329', '#56d364'],
  yellow: ['#7d4e00', '#e3b341'],
  blue: ['#0550ae', '#79c0ff'],
  magenta: ['#8250df', '#d2a8ff'],
  cyan: ['#0b6a75', '#76e3ea'],
  grey: ['#59636e', '#9198a1'],
};

const rules = (at: 0 | 1) =>
  Object.entries(INKS)
    .map(([name, inks]) => `.${name}{fill:${inks[at]}}`)
    .join('');

function piece({ text, colour, isBold, isDim }: Piece): string {
  const names = [colour ?? (isDim ? 'grey' : null), isBold ? 'bold' : null].filter(Boolean).join(' ');
  return names === '' ? asText(text) : `<tspan class="${names}">${asText(text)}</tspan>`;
}

/** @param title what the picture shows @param command the line that was given */
export function svgOf(screen: readonly (readonly Piece[])[], title: string, command: string): string {
  const lines = [[{ text: `$ ${command}`, colour: null, isBold: true, isDim: false }], ...screen];
  const columns = Math.max(...lines.map((line) => line.reduce((sum, { text }) => sum + text.length, 0)));
  const [width, height] = [Math.ceil(columns * CHARACTER + 2 * EDGE), lines.length * LINE + 2 * EDGE];
  const rows = lines.map(
    (line, at) =>
      `<text x="${EDGE}" y="${EDGE + (at + 0.75) * LINE}" class="ink">${line.map(piece).join('')}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img">
<title>${asText(title)}</title>
<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}.bold{font-weight:600}${rules(0)}@media(prefers-color-scheme:dark){${rules(1)}}</style>
<rect width="${width}" height="${height}" rx="8" class="paper"/>
${rows.join('\n')}
</svg>
`;
}
