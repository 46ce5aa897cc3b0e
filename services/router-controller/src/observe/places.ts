/** Where in the sources something happened, when the program that runs is made of them: services/bundler puts a map beside it. */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join } from 'node:path';

/** Behind the program's name. */
const ROW_AND_COLUMN = /^(\d{1,9}):(\d{1,9})/;
const SCHEME = 'file://';

/** Places that are remembered: of a program they are few, and a trace must not cost a look into the map each time it is told. */
const MAX_KNOWN = 2_000;
const known = new Map<string, string>();

/** @returns the map of a bundle; null where there is none that can be read. */
function mapOf(program: string): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${program}.map`, 'utf8')));
  } catch {
    return null;
  }
}

/**
 * Puts the sources' own files and lines into a stack trace; what is no place of the program stays as it is. Node's own
 * --enable-source-maps does so too, and holds 80 MB for it from the first trace on.
 *
 * @param program the file that runs
 */
export function inSources(stack: string, program: string | undefined = process.argv[1]): string {
  if (program === undefined || !program.endsWith('.mjs') || !stack.includes(`${program}:`)) return stack;
  // Not kept: it is large, and the next trace is mostly of the same places.
  let map: SourceMap | null | undefined;
  const source = (row: number, column: number): string => {
    map ??= mapOf(program);
    const entry = map?.findEntry(row - 1, column - 1);
    // Of packages the map knows nothing but their names.
    if (!entry || !('originalSource' in entry) || entry.originalSource.includes('node_modules')) return '';
    const { originalSource, originalLine, originalColumn } = entry;
    return `${join(dirname(program), originalSource)}:${originalLine + 1}:${originalColumn + 1}`;
  };
  const [first, ...others] = stack.split(`${program}:`);
  let told = first!;
  for (const rest of others) {
    const [place, row, column] = ROW_AND_COLUMN.exec(rest) ?? [];
    const found = place === undefined ? '' : (known.get(place) ?? source(Number(row), Number(column)));
    if (place !== undefined && known.size < MAX_KNOWN) known.set(place, found);
    if (found === '') told += `${program}:${rest}`;
    else
      told =
        (told.endsWith(SCHEME) ? told.slice(0, -SCHEME.length) : told) + found + rest.slice(place!.length);
  }
  return told;
}
