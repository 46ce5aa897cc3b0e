/** One suite's run: its process, its numbers, a limit on its time. */
import { spawn } from 'node:child_process';
import { ROOT } from '../parts/lib.ts';

export interface Suite {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Longest run, minutes; past it the suite is killed and counts as failed. */
  readonly minutes: number;
  /** How to read its numbers; `exit`: one check, by its exit code. */
  readonly read: 'node' | 'pytest' | 'exit';
}

export interface Result {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  readonly output: string;
}

const number = (output: string, pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? 0);

/** Passed and failed of a suite's output. A suite that ran nothing, or ended badly without a failed test, failed once. */
export function countTests(
  read: Suite['read'],
  output: string,
  code: number,
): { passed: number; failed: number } {
  let passed = 0;
  let failed = 0;
  if (read === 'node') {
    passed = number(output, /^(?:#|ℹ) pass (\d+)/m);
    // A test that was skipped or left to do proved nothing; here everything is there to be proved.
    failed = ['fail', 'cancelled', 'skipped', 'todo'].reduce(
      (sum, word) => sum + number(output, new RegExp(`^(?:#|ℹ) ${word} (\\d+)`, 'm')),
      0,
    );
  } else if (read === 'pytest') {
    passed = number(output, /(\d+) passed/);
    failed = number(output, /(\d+) failed/) + number(output, /(\d+) error/) + number(output, /(\d+) skipped/);
  } else if (code === 0) passed = 1;
  if (failed === 0 && (code !== 0 || passed === 0)) failed = 1;
  return { passed, failed };
}

/** Runs a suite, with a line every few seconds while it is silent. */
export async function runSuite(suite: Suite): Promise<Result> {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  console.log(`\n── ${suite.name}`);
  const child = spawn(suite.command, suite.args, {
    cwd: ROOT,
    env: { ...process.env, ...suite.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: what a hung suite has started ends with it.
    detached: true,
  });
  let output = '';
  let spoke = Date.now();
  const take = (chunk: Buffer) => {
    output += chunk.toString();
    spoke = Date.now();
    process.stdout.write(chunk);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const killGroup = () => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  };
  const ticker = setInterval(() => {
    if (Date.now() - spoke > 10_000) console.log(`   … ${suite.name}: ${seconds()} s`);
  }, 10_000);
  const limit = setTimeout(() => {
    output += `\n${suite.name} took over ${suite.minutes} minutes and was killed\n`;
    killGroup();
  }, suite.minutes * 60_000);
  process.once('exit', killGroup);
  const code = await new Promise<number>((resolve) => {
    child.once('error', (error) => {
      output += String(error);
      resolve(1);
    });
    child.once('close', (status) => resolve(status ?? 1));
  });
  clearInterval(ticker);
  clearTimeout(limit);
  process.off('exit', killGroup);
  killGroup();
  return { name: suite.name, ...countTests(suite.read, output, code), seconds: seconds(), output };
}
