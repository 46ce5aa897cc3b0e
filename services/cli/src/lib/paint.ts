/** Colour on terminals only; NO_COLOR and FORCE_COLOR are heeded by Node. */
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Text in a style, where the stream is a terminal that shows it. */
export const paint = (style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string =>
  styleText(style, text, { stream, validateStream: true });

/** Rows as columns; the last one is not padded. */
export function columns(rows: readonly (readonly string[])[], gap = 2): string[] {
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, at) => Math.max(most[at] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at]! + gap))).join(''),
  );
}
