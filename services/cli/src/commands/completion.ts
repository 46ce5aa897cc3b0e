/** `llm-router completion SHELL`: a script that lets a shell complete commands and options. */
import { Argument, type Command } from 'commander';
import { SHELLS, type Shell, scriptFor } from '../completion/shells.ts';
import { nodesOf } from '../completion/words.ts';
import { newCommand } from '../lib/command.ts';

export const completion = (): Command =>
  newCommand('completion', 'lets a shell complete commands and options', {
    group: 'ask',
    examples: [
      { line: 'eval "$(llm-router completion bash)"', what: 'in ~/.bashrc; zsh alike, after compinit' },
      { line: 'llm-router completion fish | source', what: 'in config.fish' },
    ],
  })
    .addArgument(new Argument('<shell>', 'whose script is wanted').choices(SHELLS))
    .action((shell: Shell, _options, self: Command) => {
      process.stdout.write(scriptFor(shell, nodesOf(self.parent!)));
    });
