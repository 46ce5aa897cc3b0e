/** The tree of commands as words, for shells to complete. */
import type { Command } from 'commander';
import { FILES } from '../files.ts';
import { ownOptions } from '../own-help.ts';

export interface Node {
  /** `''` for the root, else the words that lead here: `policy train`. */
  readonly path: string;
  readonly about: string;
  /** Commands under it, or words that a command takes. */
  readonly words: readonly { readonly word: string; readonly about: string }[];
  readonly options: readonly {
    readonly flag: string;
    readonly about: string;
    readonly takesValue: boolean;
  }[];
}

/** Every command with what may follow it. */
export function nodesOf(command: Command, path = ''): Node[] {
  const words = [
    ...command.commands.map((each) => ({ word: each.name(), about: each.description() })),
    ...(FILES[path]?.words ?? []).map((word) => ({ word, about: '' })),
    ...command.registeredArguments
      .flatMap(({ argChoices = [] }) => argChoices)
      .map((word) => ({ word, about: '' })),
  ];
  const options = command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, short, description, required }) =>
      (long ?? short) ? [{ flag: (long ?? short)!, about: description, takesValue: required }] : [],
    );
  options.push(...ownOptions(path));
  const node = { path, about: command.description(), words, options };
  return [
    node,
    ...command.commands.flatMap((each) =>
      nodesOf(each, path === '' ? each.name() : `${path} ${each.name()}`),
    ),
  ];
}
