/** CSV as RFC 4180 has it, read and written. Free of the DOM, so that Node tests it. */

/** What is wrong with a file, and on which line. */
export class FileProblem extends Error {}

const SEPARATORS = [',', ';', '\t'] as const;

/** The separator that the first line has most of; spreadsheets of some countries write semicolons. */
function separatorOf(text: string): string {
  const first = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text)![0].replaceAll(/"(?:[^"]|"")*"/g, '');
  const count = (separator: string) => first.split(separator).length;
  return SEPARATORS.toSorted((a, b) => count(b) - count(a))[0]!;
}

/**
 * Fields of each line; quoted ones may hold separators, quotes and line breaks. Empty lines are left out.
 *
 * @param most lines to read, the heading included; what follows is not looked at.
 * @throws FileProblem for a quote that is never closed, or with text behind it
 */
export function parseCsv(source: string, most = Number.POSITIVE_INFINITY): string[][] {
  const text = source.replace(/^\uFEFF/, '');
  const separator = separatorOf(text);
  const rows: string[][] = [];
  let row: string[] = [];
  let line = 1;
  let at = 0;
  const endRow = () => {
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  };
  while (at < text.length && rows.length < most) {
    let field: string;
    if (text[at] === '"') {
      const began = line;
      let end = at + 1;
      for (;;) {
        end = text.indexOf('"', end);
        if (end < 0) throw new FileProblem(`Line ${began}: a quoted field is never closed`);
        if (text[end + 1] !== '"') break;
        end += 2;
      }
      const quoted = text.slice(at + 1, end);
      line += quoted.split('\n').length - 1;
      field = quoted.replaceAll('""', '"');
      at = end + 1;
      if (at < text.length && text[at] !== separator && text[at] !== '\r' && text[at] !== '\n')
        throw new FileProblem(`Line ${line}: text stands behind the quote that closes a field`);
    } else {
      let end = at;
      while (end < text.length && text[end] !== separator && text[end] !== '\n' && text[end] !== '\r') end++;
      field = text.slice(at, end);
      at = end;
    }
    row.push(field);
    if (text[at] === separator) {
      at++;
      // A line may end in a separator: an empty field follows.
      if (at < text.length) continue;
      row.push('');
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at++;
    at++;
    line++;
    endRow();
  }
  if (row.length > 0 && rows.length < most) endRow();
  return rows;
}

/**
 * A field that spreadsheets take as text: what begins like a formula gets an apostrophe in front, since a prompt is
 * somebody else's text (`=HYPERLINK(…)`). Numbers stay numbers.
 */
function csvField(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^(?:[\t\r\n]|\s*[=+\-@＝＋－＠])/.test(value) ? `'${value}` : value;
  return /[",;\t\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param rows fields by the names of the columns */
export function toCsv(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, string | number | null>>[],
): string {
  const line = (fields: readonly (string | number | null)[]) => `${fields.map(csvField).join(',')}\r\n`;
  return line(columns) + rows.map((row) => line(columns.map((name) => row[name] ?? null))).join('');
}
