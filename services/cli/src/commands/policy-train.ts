/**
 * `llm-router policy train`: a policy of your own, from labelled texts to a head in model_repository. Installs the trainer's
 * Python packages once, then hands over to the trainer, whose options these are.
 */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { ROOT } from '../../../../scripts/parts/lib.ts';
import { newCommand } from '../lib/command.ts';
import { CommandError } from '../lib/errors.ts';

/** Options whose value is a path of the caller's. */
const PATHS = ['--data', '--config', '--repository', '--work'];

/** Paths are meant from where the command was given; the trainer runs in its own folder. */
function absolute(args: readonly string[]): string[] {
  return args.map((arg, i) => {
    const [flag, value] = arg.split(/=(.*)/s);
    if (value !== undefined && PATHS.includes(flag!)) return `${flag}=${resolve(value)}`;
    return PATHS.includes(args[i - 1] ?? '') ? resolve(arg) : arg;
  });
}

export const policyTrain = (): Command =>
  newCommand('train', 'a policy of your own from labelled text, in minutes')
    .argument('[options...]', 'the trainer’s own; --help tells them')
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action((_options, _parsed, self: Command) => run(self.args));

async function run(args: readonly string[]): Promise<void> {
  const { setupPolicyTrainer, setupTrainer } = await import('../../../../scripts/parts/trainer.ts');
  let python: string;
  try {
    python = await (args.includes('--finetune') ? setupTrainer() : setupPolicyTrainer());
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
  const child = spawn(python, ['-m', 'trainer', 'policy', ...absolute(args)], {
    cwd: join(ROOT, 'services', 'trainer'),
    stdio: 'inherit',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  process.once('disconnect', () => child.kill('SIGTERM'));
  await new Promise<void>((done, failed) => {
    child.once('error', failed);
    child.once('exit', (code) => {
      process.exitCode = code ?? 1;
      // The leash would hold the process.
      if (process.connected) process.disconnect();
      done();
    });
  });
}
