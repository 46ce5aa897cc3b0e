/** A command line that `parseArgs` does not take, in words. */
import { hint } from './nearest.ts';

/** The options that a help text tells of. */
const flagsIn = (help: string): string[] => [...new Set(help.match(/--[a-z][a-z-]+/g))];

/**
 * Node's own word, without its advice on `--`, and the option that was probably meant; null: the error is another one.
 *
 * @param flags those that there are
 */
export function misuse(error: unknown, flags: Iterable<string> = []): string | null {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (!code.startsWith('ERR_PARSE_ARGS_')) return null;
  const said = message.split('. To specify')[0]!;
  const [, wrong] = code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? (/'(--?[\w-]+)/.exec(said) ?? []) : [];
  const meant = wrong === undefined ? '' : hint(wrong, flags);
  return meant === '' ? said : `${said}.${meant}`;
}

/** What is wrong with a command line, and the help of the command that it was for. */
export const misuseWithHelp = (error: unknown, help: string): string =>
  `${misuse(error, flagsIn(help)) ?? (error as Error).message}\n\n${help}`;
