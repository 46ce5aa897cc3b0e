/** `llm-router help COMMAND`: the same as `llm-router COMMAND --help`, also of commands that tell their help themselves. */
import type { Command } from 'commander';
import { hint } from '../../../process/src/nearest.ts';
import { newCommand } from '../lib/command.ts';
import { UsageError } from '../lib/errors.ts';

/** @param fresh makes the tree anew: parsing leaves marks in it. */
export const help = (fresh: () => Command): Command =>
  newCommand('help', 'tells what a command does', {
    group: 'ask',
    examples: [{ line: 'llm-router help policy train', what: 'the same as llm-router policy train --help' }],
  })
    .argument('[command...]', 'the command’s words')
    .action(async (words: readonly string[]) => {
      let at = fresh();
      const root = at;
      for (const word of words) {
        // What stands behind a command's words is for the command, as `create` of `keys create`.
        if (at.commands.length === 0) break;
        const next = at.commands.find((each) => each.name() === word);
        if (!next)
          throw new UsageError(
            `unknown command '${words.join(' ')}'.${hint(
              word,
              at.commands.map((each) => each.name()),
            )}\n\`llm-router --help\` tells all commands`,
          );
        at = next;
      }
      await root.parseAsync([...words, '--help'], { from: 'user' });
    });
