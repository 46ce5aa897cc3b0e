/** Files that people name on a command line: text that is read, places where something is to be written. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { whyUnread } from './unread.ts';

/** Without the byte order mark that editors on Windows put in front, and that no parser of JSON takes. */
export const withoutMark = (text: string): string => (text.startsWith('\uFEFF') ? text.slice(1) : text);

/** @throws as node:fs does, for `whyUnread` */
export const readText = (file: string): string => withoutMark(readFileSync(file, 'utf8'));

/**
 * Looked at before the work whose result goes there: it would be lost.
 *
 * @returns why nothing can be written there, in words; null: it can.
 */
export function whyUnwritable(file: string): string | null {
  const folder = dirname(file);
  try {
    if (!statSync(folder).isDirectory()) return `${folder} is no folder`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? `there is no folder ${folder}` : whyUnread(error);
  }
  try {
    const there = statSync(file, { throwIfNoEntry: false });
    if (there?.isDirectory()) return 'it is a folder, not a file';
    accessSync(there ? file : folder, constants.W_OK);
    return null;
  } catch (error) {
    return whyUnread(error);
  }
}
