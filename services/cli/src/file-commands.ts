/** Puts the commands of files.ts into the tree. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { ROOT } from '../../../scripts/parts/lib.ts';
import { FILES, type FileCommand } from './files.ts';
import { GROUPS, newCommand } from './lib/command.ts';
import { forward } from './processes/forward.ts';

/** A tool of the workspace, in its root as its configuration wants it. */
async function runTool([tool, ...first]: readonly string[], args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [join(ROOT, 'node_modules', tool!), ...first, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  process.exitCode = await forward(child);
}

/** What a file's options are called, in commander's form; the file reads them itself. */
export const optionsOf = ({ options = [] }: FileCommand): Option[] => [
  ...options.map(([flags, about]) => new Option(flags, about)),
  new Option('-h, --help', 'tells what there is'),
];

async function run({ file }: FileCommand, args: readonly string[]): Promise<void> {
  if (typeof file !== 'string') return runTool(file, args);
  const path = join(ROOT, file);
  // It reads its command line as if it had been started by itself.
  process.argv = [process.argv[0]!, path, ...args];
  await import(path);
}

/** The command for the first of two words, which holds those of the second. */
function parentOf(program: Command, word: string): Command {
  const found = program.commands.find((command) => command.name() === word);
  if (found) return found;
  const parent = newCommand(word, '');
  program.addCommand(parent);
  return parent;
}

export function addFileCommands(program: Command): void {
  for (const [name, entry] of Object.entries(FILES)) {
    const words = name.split(' ');
    const parent = words.length > 1 ? parentOf(program, words[0]!) : program;
    const command = newCommand(words.at(-1)!, entry.about, {
      group: entry.group,
      ...(entry.examples && { examples: entry.examples }),
    })
      .argument('[words...]', 'read by the command itself')
      .allowUnknownOption()
      .passThroughOptions()
      .action((_words, _options, self: Command) => run(entry, self.args));
    if (entry.ownHelp) command.helpOption(false);
    else
      command
        .usage([entry.takes, '[options]'].filter(Boolean).join(' '))
        .configureHelp({ visibleArguments: () => [], visibleOptions: () => optionsOf(entry) });
    parent.addCommand(command);
  }
  // A word such as `proof` stands for what is under it.
  for (const command of program.commands.filter(({ commands }) => commands.length > 0)) {
    if (command.description() !== '') continue;
    command.description(command.commands.map((each) => each.name()).join(', '));
    command.helpGroup(GROUPS[FILES[`${command.name()} ${command.commands[0]!.name()}`]!.group]);
  }
}
