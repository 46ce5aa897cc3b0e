/** The tree of commands. */
import type { Command } from 'commander';
import { VERSION } from '../../router-controller/src/version.ts';
import { bodies } from './commands/bodies.ts';
import { chat } from './commands/chat.ts';
import { completion } from './commands/completion.ts';
import { dev } from './commands/dev.ts';
import { doctor } from './commands/doctor.ts';
import { evaluate } from './commands/evaluate.ts';
import { help } from './commands/help.ts';
import { importCommand } from './commands/import.ts';
import { init } from './commands/init.ts';
import { policyTrain } from './commands/policy-train.ts';
import { replay } from './commands/replay.ts';
import { route } from './commands/route.ts';
import { start } from './commands/start.ts';
import { targetsImport } from './commands/targets-import.ts';
import { top } from './commands/top.ts';
import { value } from './commands/value.ts';
import { addFileCommands } from './file-commands.ts';
import { newCommand } from './lib/command.ts';

const ENDS = `
Exit codes: 0 it did what it was asked; 1 it could not, or what it checked is not right; 2 it was asked for wrongly.
Colour only on terminals; NO_COLOR=1 takes it away. \`llm-router COMMAND --help\` tells a command's options and examples.`;

/** A fresh tree: parsing leaves marks in it. */
export function program(): Command {
  const root = newCommand(
    'llm-router',
    'Works out what kind of work each prompt is, and sends it to the model for it',
  )
    .version(VERSION, '-V, --version', 'tells the version')
    .usage('COMMAND [options]')
    .showHelpAfterError('`llm-router --help` tells all commands')
    .addHelpText('after', ENDS);
  root.addCommand(start());
  root.addCommand(init());
  root.addCommand(doctor());
  root.addCommand(route());
  root.addCommand(chat());
  root.addCommand(top());
  root.addCommand(evaluate());
  root.addCommand(bodies());
  root.addCommand(replay());
  root.addCommand(
    newCommand('policy', 'policies of your own', { group: 'better' }).addCommand(policyTrain()),
  );
  root.addCommand(
    newCommand('targets', 'models that answer', { group: 'better' }).addCommand(targetsImport()),
  );
  root.addCommand(value());
  root.addCommand(importCommand());
  root.addCommand(completion());
  addFileCommands(root);
  root.addCommand(dev());
  root.addCommand(help(program));
  return root;
}
