/**
 * `npm run policy:train -- --name intent_router --data banking77.csv [--finetune] …`: a policy of your own, from labelled texts
 * to a head in model_repository. Installs the trainer's Python packages once, then hands over to the trainer.
 */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { ROOT } from './parts/lib.ts';
import { setupPolicyTrainer, setupTrainer } from './parts/trainer.ts';

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

const args = process.argv.slice(2);
try {
  const python = await (args.includes('--finetune') ? setupTrainer() : setupPolicyTrainer());
  const child = spawn(python, ['-m', 'trainer', 'policy', ...absolute(args)], {
    cwd: join(ROOT, 'services', 'trainer'),
    stdio: 'inherit',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  process.once('disconnect', () => child.kill('SIGTERM'));
  child.once('exit', (code) => process.exit(code ?? 1));
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
