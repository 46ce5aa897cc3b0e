/** One suite's run: its process, its numbers, a limit on its time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PartName } from '../parts/index.ts';
import { CACHE, ROOT } from '../parts/lib.ts';

export interface Suite {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Parts that must be set up first. */
  readonly needs: readonly PartName[];
  readonly env?: Readonly<Record<string, string>>;
  /** Longest run, minutes; past it the suite is killed and counts as failed. */
  readonly minutes: number;
  /** How to read its numbers; `exit`: one check, by its exit code. */
  readonly read: 'node' | 'pytest' | 'exit';
  /** Puts what a failed run printed into words for a reader. */
  readonly told?: (output: string) => string;
}

export interface Result {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  /** Of the failed: tests that were skipped or left to do. */
  readonly skipped: number;
  readonly seconds: number;
  /** Processor seconds of it and of all it waited for; null when it was killed. Far below `seconds`: the suite waits. */
  readonly cpu: number | null;
  readonly output: string;
}

const number = (output: string, pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? 0);

/**
 * Passed and failed of a suite's output. A skipped test proved nothing, so it failed. A suite that ran nothing, or ended
 * badly without a failed test, failed once.
 */
export function countTests(
  read: Suite['read'],
  output: string,
  code: number,
): Pick<Result, 'passed' | 'failed' | 'skipped'> {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  if (read === 'node') {
    const told = (word: string) => number(output, new RegExp(`^(?:#|ℹ) ${word} (\\d+)`, 'm'));
    passed = told('pass');
    skipped = told('skipped') + told('todo');
    failed = told('fail') + told('cancelled') + skipped;
  } else if (read === 'pytest') {
    // The last line only: a test may print such words too.
    const last = output.trimEnd().split('\n').at(-1) ?? '';
    passed = number(last, /(\d+) passed/);
    skipped = number(last, /(\d+) skipped/) + number(last, /(\d+) xfailed/);
    failed = number(last, /(\d+) failed/) + number(last, /(\d+) error/) + skipped;
  } else if (code === 0) passed = 1;
  if (failed === 0 && (code !== 0 || passed === 0)) failed = 1;
  return { passed, failed, skipped };
}

/**
 * What failed, in at most so many lines: names and the words of node's list of failed tests or of pytest's summary; else the output's end.
 */
export function failedTests(output: string, most: number): string[] {
  const lines = output.trimEnd().split('\n');
  const begin = lines.findIndex((line) => /^✖ failing tests:|^=+ short test summary info =+$/.test(line));
  return begin < 0
    ? lines.slice(-most)
    : lines
        .slice(begin + 1)
        .filter((line) => line.trim())
        .slice(0, most);
}

/** Sources as Node compiled them, for all suites and all that they start: a third of a short suite is compiling. */
const COMPILED = join(CACHE, 'node-compile');

/**
 * Linear algebra by one thread a process: beside other work its threads wait for one another by spinning, which took seven times the
 * processor's time of the sums themselves.
 */
const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };

/** A shell above the suite, because only a parent learns what its children took; it tells by a descriptor of its own. */
const MEASURED = ['-c', '"$@" 3>&-; code=$?; times >&3; exit $code', 'sh'];

/** Processor seconds of a shell's children, by its `times`: "1m2.30s 0m0.40s" on the second line; null without one. */
export function processorSeconds(times: string): number | null {
  const [, children] = times.split('\n');
  const parts = [...(children ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  if (parts.length === 0) return null;
  return parts.reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);
}

const running = new Set<ChildProcess>();

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // It has ended already, and so has all it started.
  }
}

/** Ends every suite in flight with all it started. */
export function killSuites(): void {
  for (const child of running) killGroup(child);
}

/** Of a suite that makes way for others. */
const NICE = 5;

/**
 * Runs a suite to its end. Its output is kept, not shown.
 *
 * @param makesWay it has a lower priority than this process.
 */
export async function runSuite(suite: Suite, makesWay = false): Promise<Result> {
  const started = Date.now();
  const [program, ...words] = [...(makesWay ? ['nice', '-n', String(NICE)] : []), 'sh', ...MEASURED];
  const child = spawn(program!, [...words, suite.command, ...suite.args], {
    cwd: ROOT,
    env: { ...ONE_THREAD, ...process.env, NODE_COMPILE_CACHE: COMPILED, ...suite.env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // A group of its own: what a hung suite has started ends with it.
    detached: true,
  });
  running.add(child);
  const closed = new Promise((resolve) => child.once('close', resolve));
  let output = '';
  const take = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout!.on('data', take);
  child.stderr!.on('data', take);
  let times = '';
  (child.stdio[3] as Readable).on('data', (chunk: Buffer) => {
    times += chunk.toString();
  });
  const limit = setTimeout(() => {
    output += `\n${suite.name} took over ${suite.minutes} minutes and was killed\n`;
    killGroup(child);
  }, suite.minutes * 60_000);
  const code = await new Promise<number>((resolve) => {
    child.once('error', (error) => {
      output += String(error);
      resolve(1);
    });
    child.once('exit', (status) => resolve(status ?? 1));
  });
  clearTimeout(limit);
  killGroup(child);
  // The rest of the output; not for ever, because a process that left the group may hold the pipe open.
  await Promise.race([closed, sleep(2_000, undefined, { ref: false })]);
  running.delete(child);
  const seconds = Math.round((Date.now() - started) / 1000);
  const cpu = processorSeconds(times);
  const counts = countTests(suite.read, output, code);
  if (counts.failed > 0 && suite.told) output = suite.told(output);
  return { name: suite.name, ...counts, seconds, cpu, output };
}
