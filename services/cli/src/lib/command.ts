/** What all commands have in common: how they are declared, how their help looks. */
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ROOT } from '../../../../scripts/parts/lib.ts';
import { whyUnwritable } from '../../../process/src/text-file.ts';
import { CommandError } from './errors.ts';

/** Headings of `llm-router --help`, in this order. */
export const GROUPS = {
  run: 'Run it:',
  ask: 'Ask it:',
  better: 'Make its decisions better:',
  clients: 'Clients and their configurations:',
  prove: 'Real parts and proofs:',
  develop: 'Work on the router itself:',
} as const;

export type Group = keyof typeof GROUPS;

export interface Example {
  readonly line: string;
  readonly what: string;
}

/** A command's examples, for pages that are made from commands. */
export const EXAMPLES = new WeakMap<Command, readonly Example[]>();

/** Lines under a command's help. */
const shown = (examples: readonly Example[]): string =>
  ['', 'Examples:', ...examples.flatMap(({ line, what }) => [`  $ ${line}`, `      ${what}`])].join('\n');

/** A command that ends by an exception instead of the process, so that one place says what exit code that is. */
export function newCommand(
  name: string,
  about: string,
  { group, examples = [] }: { group?: Group; examples?: readonly Example[] } = {},
): Command {
  const command = new Command(name)
    .description(about)
    .exitOverride()
    .enablePositionalOptions()
    .configureHelp({ subcommandTerm: (each) => each.name() })
    .helpOption('-h, --help', 'tells what there is')
    .helpCommand(false)
    .showHelpAfterError();
  if (group) command.helpGroup(GROUPS[group]);
  if (examples.length > 0) command.addHelpText('after', shown(examples));
  EXAMPLES.set(command, examples);
  return command;
}

/** An option whose default is a file or folder of the repository, told by its name there. */
export const ownPath = (flags: string, about: string, path: string): Option =>
  new Option(flags, about).default(join(ROOT, path), path);

/** Reads an option's value as a number within bounds. @param unit what it counts, for the message. */
export const numberFrom =
  (least: number, most: number, { whole = true } = {}) =>
  (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`It must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`);
  };

/** Before the work whose result goes there. @throws CommandError when it could not be written */
export function writable(file: string, option: string): void {
  const why = whyUnwritable(file);
  if (why !== null) throw new CommandError(`${option}: ${file} can’t be written: ${why}`);
}

/** Gathers an option that may be given more than once. */
export const gathered = (text: string, before: readonly string[] | undefined): string[] => [
  ...(before ?? []),
  text,
];
