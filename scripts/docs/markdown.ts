/** Text that stands in a table's cell as it is. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

export const code = (text: string): string => (text === '' ? '' : `\`${cell(text)}\``);

/** A table with a header; cells are markdown already. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Every generated page begins alike. */
export const head = (title: string, source: string, words: string): string =>
  `# ${title}\n\n<!-- Generated from ${source} by \`npm run docs\`; edit there. -->\n\n${words}\n`;
