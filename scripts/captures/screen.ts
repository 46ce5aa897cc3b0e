/** What a terminal shows after some output: enough of its language for our own commands. */

export interface Piece {
  readonly text: string;
  readonly colour: string | null;
  readonly isBold: boolean;
  readonly isDim: boolean;
}

const COLOURS: Readonly<Record<number, string>> = {
  31: 'red',
  32: 'green',
  33: 'yellow',
  34: 'blue',
  35: 'magenta',
  36: 'cyan',
  90: 'grey',
};
const ESCAPE = String.fromCharCode(27);
/** Style, erasing, moving to the first place; or the return of the carriage. */
const CONTROL = new RegExp(`${ESCAPE}\\[([?\\d;]*)([A-Za-z])|\\r\\n|\\r|\\n`, 'g');

interface Style {
  colour: string | null;
  isBold: boolean;
  isDim: boolean;
}

function restyle(style: Style, codes: string): Style {
  let next = { ...style };
  for (const code of (codes || '0').split(';').map(Number)) {
    if (code === 0) next = { colour: null, isBold: false, isDim: false };
    else if (code === 1) next.isBold = true;
    else if (code === 2) next.isDim = true;
    else if (code === 22) next = { ...next, isBold: false, isDim: false };
    else if (code === 39) next.colour = null;
    else if (COLOURS[code]) next.colour = COLOURS[code];
  }
  return next;
}

/** The cells of a line, in pieces of one style, without blanks at its end. */
function pieces(cells: readonly (readonly [string, Style])[]): Piece[] {
  const last = cells.findLastIndex(([character]) => character !== ' ');
  const found: { text: string; style: Style }[] = [];
  for (const [character, style] of cells.slice(0, last + 1)) {
    const before = found.at(-1);
    if (before && before.style === style) before.text += character;
    else found.push({ text: character, style });
  }
  return found.map(({ text, style }) => ({ text, ...style }));
}

/**
 * @param output as the program wrote it to the terminal
 * @param width of the terminal, in characters
 * @returns what stands there, line by line.
 */
export function screenOf(output: string, width = Number.POSITIVE_INFINITY): Piece[][] {
  let lines: [string, Style][][] = [[]];
  let row = 0;
  let column = 0;
  let style: Style = { colour: null, isBold: false, isDim: false };
  const write = (text: string) => {
    for (const character of text) {
      if (column >= width) [row, column] = [row + 1, 0];
      while (lines.length <= row) lines.push([]);
      const line = lines[row]!;
      while (line.length < column) line.push([' ', style]);
      line[column++] = [character, style];
    }
  };
  let at = 0;
  for (const found of output.matchAll(CONTROL)) {
    write(output.slice(at, found.index));
    at = found.index + found[0].length;
    const [control, codes = '', letter] = found;
    if (control === '\r') column = 0;
    else if (letter === undefined) {
      row++;
      column = 0;
      while (lines.length <= row) lines.push([]);
    } else if (letter === 'm') style = restyle(style, codes);
    else if (letter === 'H') [row, column] = [0, 0];
    else if (letter === 'J') lines = lines.slice(0, row).concat([lines[row]?.slice(0, column) ?? []]);
    else if (letter === 'K') lines[row]?.splice(column);
    // Another screen for as long as it runs: what it showed last is what is looked at.
    else if (letter === 'h' && codes === '?1049') [lines, row, column] = [[[]], 0, 0];
  }
  write(output.slice(at));
  const shown = lines.map(pieces);
  return shown.slice(0, shown.findLastIndex((line) => line.length > 0) + 1);
}
