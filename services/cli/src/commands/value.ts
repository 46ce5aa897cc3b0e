/** `llm-router value train | fill | import | collect`: policies that evaluation data fills, and what they save. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { newCommand } from '../lib/command.ts';
import { runTrainer } from '../lib/trainer.ts';
import { valueCollect } from './value-collect.ts';

/** USD a million tokens. */
interface PerMillion {
  readonly input: number;
  readonly output: number;
}

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
  return parent.addCommand(valueCollect());
};

/** Prices of a configuration's targets, as options; an unreadable file is the trainer's to tell. */
async function pricesIn(args: readonly string[]): Promise<string[]> {
  const at = args.findIndex((arg) => arg === '--config' || arg.startsWith('--config='));
  const file = args[at]?.startsWith('--config=') ? args[at].slice('--config='.length) : args[at + 1];
  if (at < 0 || file === undefined) return [];
  const { readYaml } = await import('../../../router-controller/src/config/index.ts');
  try {
    const whole = readYaml(await readFile(file, 'utf8')) as {
      targets?: { name?: string; price?: PerMillion }[];
    };
    return (whole.targets ?? []).flatMap(({ name, price }) =>
      name && price ? ['--config-price', `${name}=${price.input},${price.output}`] : [],
    );
  } catch {
    return [];
  }
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const { setupPolicyTrainer } = await import('../../../../scripts/parts/trainer.ts');
  const priced = command === 'import-evals' ? [] : await pricesIn(args);
  // What the command line says comes last, and holds.
  await runTrainer(command, [...priced, ...args], setupPolicyTrainer);
}
