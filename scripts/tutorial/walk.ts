/** Runs a page's commands in one shell, as a reader would. */
import { ROOT } from '../parts/lib.ts';
import { runGroup } from './group.ts';
import type { Step } from './page.ts';

const MARK = '<<< end of step ';

export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

/** One script; a mark on both outputs after each step, so that what a step said can be told apart. */
const scriptOf = (steps: readonly Step[]): string =>
  ['set -eo pipefail', ...steps.map(({ command }, i) => `${command}echo '${MARK}${i}'`)].join('\n');

/**
 * @param minutes longest run of the whole page.
 * @param options.cwd where the reader stands; default: the checkout.
 * @param options.env beside this process's own.
 * @returns what each step wrote to standard output.
 * @throws StepFailed with the step and what it said.
 */
export async function walk(
  steps: readonly Step[],
  minutes: number,
  { cwd = ROOT, env = {} }: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<string[]> {
  const options = { cwd, env, minutes, keep: 4_000 };
  const { code, out, err } = await runGroup('bash', ['-c', scriptOf(steps)], options);
  // The reader's checkout is somewhere else.
  const parts = out.replaceAll(`${ROOT}/`, '').split(new RegExp(`${MARK}\\d+\n`));
  const done = parts.length - 1;
  if (code === 0 && done === steps.length) return parts.slice(0, -1);
  const step = steps[done]?.command ?? '';
  throw new StepFailed(
    `step ${done + 1} of ${steps.length} failed (exit ${code}):\n${step}\n${parts.at(-1)}\n${err}`,
  );
}
