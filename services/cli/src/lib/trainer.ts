/** Commands that the trainer answers, in Python: its packages are installed once, then it takes over, whose options these are. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { findPython, ROOT } from '../../../../scripts/parts/lib.ts';
import { forward } from '../processes/forward.ts';
import { CommandError, EXIT } from './errors.ts';

const TRAINER = join(ROOT, 'services', 'trainer');

/** Options whose value is a path of the caller's. */
const PATHS = [
  '--data',
  '--config',
  '--repository',
  '--work',
  '--report',
  '--prices',
  '--out',
  '--file',
  '--log',
  '--feedback',
];

/** What the trainer's commands are called here, for its help. */
const CALLED: Readonly<Record<string, string>> = {
  policy: 'policy train',
  value: 'value train',
  fill: 'value fill',
  'import-evals': 'value import',
};
const environment = (command: string) => ({
  ...process.env,
  PYTHONDONTWRITEBYTECODE: '1',
  LLM_ROUTER_CALLED: `llm-router ${CALLED[command] ?? command}`,
});

/** Paths are meant from where the command was given; the trainer runs in its own folder. */
function absolute(args: readonly string[]): string[] {
  return args.map((arg, i) => {
    const [flag, value] = arg.split(/=(.*)/s);
    if (value !== undefined && PATHS.includes(flag!)) return `${flag}=${resolve(value)}`;
    return PATHS.includes(args[i - 1] ?? '') ? resolve(arg) : arg;
  });
}

/** A wrong command line is told before minutes of installing: checking it needs nothing but Python. @returns its exit code */
async function checked(command: string, args: readonly string[]): Promise<number> {
  const { command: python } = await findPython('The trainer', { from: 10, to: 13 });
  const child = spawn(python, ['-m', 'trainer', '--check-arguments', command, ...args], {
    cwd: TRAINER,
    stdio: 'inherit',
    env: environment(command),
  });
  const [code] = await once(child, 'exit');
  return code ?? EXIT.failed;
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
  const words = absolute(args);
  let python: string;
  try {
    const code = await checked(command, words);
    // Asked for help, it has given it.
    if (code !== 0 || words.some((word) => ['-h', '--help'].includes(word))) {
      process.exitCode = code;
      return;
    }
    python = await setup();
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
  const child = spawn(python, ['-m', 'trainer', command, ...words], {
    cwd: TRAINER,
    stdio: 'inherit',
    env: environment(command),
  });
  process.exitCode = await forward(child);
}
