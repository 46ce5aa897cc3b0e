/** Commands that the trainer answers, in Python: its packages are installed once, then it takes over, whose options these are. */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { ROOT } from '../../../../scripts/parts/lib.ts';
import { forward } from '../processes/forward.ts';
import { CommandError } from './errors.ts';

/** Options whose value is a path of the caller's. */
const PATHS = ['--data', '--config', '--repository', '--work', '--report', '--prices', '--out', '--file'];

/** Paths are meant from where the command was given; the trainer runs in its own folder. */
function absolute(args: readonly string[]): string[] {
  return args.map((arg, i) => {
    const [flag, value] = arg.split(/=(.*)/s);
    if (value !== undefined && PATHS.includes(flag!)) return `${flag}=${resolve(value)}`;
    return PATHS.includes(args[i - 1] ?? '') ? resolve(arg) : arg;
  });
}

/**
 * Runs `python -m trainer COMMAND`; its exit code becomes the process's.
 *
 * @param setup installs what is needed and gives the interpreter.
 * @throws CommandError when that can't be installed.
 */
export async function runTrainer(
  command: string,
  args: readonly string[],
  setup: () => Promise<string>,
): Promise<void> {
  let python: string;
  try {
    python = await setup();
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
  const child = spawn(python, ['-m', 'trainer', command, ...absolute(args)], {
    cwd: join(ROOT, 'services', 'trainer'),
    stdio: 'inherit',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  process.exitCode = await forward(child);
}
