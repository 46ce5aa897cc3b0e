/** What a command that is a file says of its options itself: read from its source, for it reads its command line when it is imported. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../scripts/parts/lib.ts';
import { FILES } from './files.ts';

export interface OwnOption {
  readonly flag: string;
  readonly about: string;
  readonly takesValue: boolean;
}

/** A flag, the name of its value, and what stands behind it on a line of its own. */
const FLAG = /(--[a-z][a-z-]+)(?:[ =]([A-Z][\w.|]*|[a-z]+\|[\w|]+))?(?: {2,}(\S.*))?/g;

/** @param words the command's; none where it tells nothing itself */
export function ownOptions(words: string): OwnOption[] {
  const { ownHelp } = FILES[words] ?? {};
  if (ownHelp === undefined || ownHelp === 'tool') return [];
  const [, help = ''] = /HELP = `((?:[^`\\]|\\.)*)`/.exec(readFileSync(join(ROOT, ownHelp), 'utf8')) ?? [];
  const found = new Map<string, OwnOption>();
  for (const [, flag, value, about = ''] of help.matchAll(FLAG)) {
    const known = found.get(flag!);
    found.set(flag!, {
      flag: flag!,
      about: known?.about || about,
      takesValue: (known?.takesValue ?? false) || value !== undefined,
    });
  }
  return [...found.values()];
}
