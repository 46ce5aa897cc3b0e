/** `llm-router value train | fill | import`: policies that evaluation data fills, and what they save. */
import type { Command } from 'commander';
import { newCommand } from '../lib/command.ts';
import { runTrainer } from '../lib/trainer.ts';

const COMMANDS = {
  train: [
    'value',
    'a policy that knows what each target is worth, from scored prompts; says when not to route',
  ],
  fill: ['fill', 'the best target for each label of a policy, from scored prompts'],
  import: [
    'import-evals',
    'others’ evaluations and price lists in our form, and what could not be carried over',
  ],
} as const;

/** Commands under `value`. */
export const value = (): Command => {
  const parent = newCommand('value', 'what routing is worth on your prompts', { group: 'better' });
  for (const [name, [command, about]] of Object.entries(COMMANDS)) {
    parent.addCommand(
      newCommand(name, about)
        .argument('[options...]', 'the trainer’s own; --help tells them')
        .allowUnknownOption()
        .passThroughOptions()
        .helpOption(false)
        .action((_options, _parsed, self: Command) => run(command, self.args)),
    );
  }
  return parent;
};

async function run(command: string, args: readonly string[]): Promise<void> {
  const { setupPolicyTrainer } = await import('../../../../scripts/parts/trainer.ts');
  await runTrainer(command, args, setupPolicyTrainer);
}
