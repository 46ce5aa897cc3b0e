/** `llm-router policy train`: a policy of your own, from labelled texts to a head in model_repository. */
import type { Command } from 'commander';
import { newCommand } from '../lib/command.ts';
import { runTrainer } from '../lib/trainer.ts';

export const policyTrain = (): Command =>
  newCommand('train', 'a policy of your own from labelled text, in minutes')
    .argument('[options...]', 'the trainer’s own; --help tells them')
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action((_options, _parsed, self: Command) => run(self.args));

async function run(args: readonly string[]): Promise<void> {
  const { setupPolicyTrainer } = await import('../../../../scripts/parts/trainer.ts');
  await runTrainer('policy', args, setupPolicyTrainer);
}
