/**
 * `npm test [-- --only PATTERN] [--quick] [--watch] [--at-once N] [--json]`: sets up the real parts, runs every suite, prints a table, and closes with
 * `N passed, N failed` alone on the last line. A part that can't be set up is a failure with its message, and so is
 * every suite that needs it. --quick: types, style, and the tests beside what differs from main. --watch: the tests beside the
 * code, again whenever a file that they import changes. --at-once: how many cores the suites that run together may keep busy; lanes.ts says
 * which go before others.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { lastLine } from '../services/cli/src/lib/last-line.ts';
import { isLive } from '../services/process/src/live-line.ts';
import { waiting } from '../services/process/src/progress.ts';
import { costs, keepCosts } from './lib/costs.ts';
import { firstBecause, runLanes } from './lib/lanes.ts';
import { nearChanges, watchTests } from './lib/near-changes.ts';
import { fromPrograms } from './lib/programs.ts';
import { quickSuites, wholeSuites } from './lib/suite-table.ts';
import { failedTests, killSuites, type Result, runSuite, type Suite } from './lib/suites.ts';
import { PARTS, type PartName } from './parts/index.ts';
import { setUpUnderWay } from './parts/lib.ts';

/** Silence after which a line tells what is running, ms. */
const SILENCE_MS = 10_000;
/** Quick suites at once: two cores for three, of which one or the other waits. */
const QUICK_AT_ONCE = 3;
/** Cores that whole suites keep busy, where --at-once says nothing. */
const AT_ONCE = Math.min(2, availableParallelism());
/** Lines of a failed suite's output that are shown. */
const SHOWN = 60;

/** And of each failed suite once more, below the table. */
const SHOWN_AGAIN = 12;

/** Parts that no quick suite needs, and whose set-up is the compiler's work, at a low priority. */
const COMPILED: readonly PartName[] = ['cluster'];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean' },
    watch: { type: 'boolean' },
    'at-once': { type: 'string', default: String(AT_ONCE) },
    json: { type: 'boolean' },
  },
});
const atOnce = Number(values['at-once']);
if (!Number.isInteger(atOnce) || atOnce < 1) {
  console.error(`--at-once must be a whole number from 1, not '${values['at-once']}'`);
  process.exit(2);
}
const end = lastLine(values.json);
const started = Date.now();
const selected = (suites: Suite[]) =>
  suites.filter(({ name }) => !values.only || name.toLowerCase().includes(values.only.toLowerCase()));
const quick = selected(values.quick ? nearChanges(quickSuites()) : quickSuites());
const whole = values.quick || values.watch ? [] : selected(wholeSuites());
if (values.watch) process.exit(await watchTests(quick));
const total = quick.length + whole.length;
if (total === 0) {
  console.error(`no suite's name contains '${values.only}'`);
  process.exit(2);
}

const results: Result[] = [];
const missing = new Map<PartName, string>();
const failure = (name: string, output: string, seconds = 0): Result => ({
  name,
  passed: 0,
  failed: 1,
  skipped: 0,
  seconds,
  cpu: null,
  output,
});

async function setup(name: PartName): Promise<void> {
  const begun = Date.now();
  try {
    await PARTS[name]();
  } catch (error) {
    const { message } = error as Error;
    console.error(`${name}: ${message}`);
    missing.set(name, message);
    results.push(failure(`set-up of ${name}`, message, Math.round((Date.now() - begun) / 1000)));
  }
}

const current = new Set<string>();
let done = 0;
let spoke = Date.now();
function say(line: string): void {
  console.log(line);
  spoke = Date.now();
}

async function runOne(suite: Suite): Promise<void> {
  const lacks = suite.needs.filter((name) => missing.has(name));
  current.add(suite.name);
  const result =
    lacks.length > 0
      ? failure(suite.name, `not run: ${lacks.join(', ')} could not be set up`)
      : await runSuite(suite, atOnce > 1 && !firstBecause(suite));
  current.delete(suite.name);
  results.push(result);
  done++;
  const mark = result.failed > 0 ? '✖' : '✔';
  const failed = result.failed > 0 ? `, ${result.failed} failed` : '';
  say(`[${done}/${total}] ${mark} ${suite.name}  ${result.passed} passed${failed}, ${result.seconds} s`);
}

/** Takes one after another from the queue until it is empty or `until` has settled. */
async function runSome(queue: Suite[], until: Promise<unknown> | null = null): Promise<void> {
  let enough = false;
  void until?.then(() => {
    enough = true;
  });
  const worker = async () => {
    while (!enough && queue.length > 0) await runOne(queue.shift()!);
  };
  await Promise.all(Array.from({ length: QUICK_AT_ONCE }, worker));
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => {
    killSuites();
    const underWay = setUpUnderWay();
    if (underWay !== null) console.error(`\n${underWay}`);
    process.exit(code);
  });
}
// npm's own process was killed: nobody reads on.
process.once('disconnect', () => {
  killSuites();
  process.exit(1);
});

const needed = [...new Set([...quick, ...whole].flatMap(({ needs }) => needs))];
if (needed.length > 0) console.log(`real parts: ${needed.join(', ')}`);
// The one that is compiled for minutes goes on beside downloads and quick suites, and is there before real parts are started.
const compiled = COMPILED.filter((name) => needed.includes(name)).map(setup);
for (const name of needed) if (!COMPILED.includes(name)) await setup(name);

console.log(`${total} suites`);
async function runSelected(): Promise<void> {
  const made = await fromPrograms([...quick, ...whole], say);
  const short = made.slice(0, quick.length);
  const long = made.slice(quick.length);
  if (long.length === 0) return runSome(short);
  const ready = Promise.all(compiled);
  // What is still being compiled leaves time for these.
  await runSome(short, ready);
  await ready;
  await runLanes(long, atOnce, runOne, costs(), short);
}
if (isLive(process.stderr))
  await waiting('testing', runSelected, { detail: () => `${done} of ${total}  ${[...current].join(', ')}` });
else {
  const ticker = setInterval(() => {
    if (Date.now() - spoke >= SILENCE_MS) say(`  … ${[...current].join(', ')}`);
  }, SILENCE_MS / 2);
  await runSelected();
  clearInterval(ticker);
}

keepCosts(results);
for (const { name, failed, output } of results) {
  if (failed > 0) console.log(`\n✖ ${name}\n${output.trimEnd().split('\n').slice(-SHOWN).join('\n')}`);
}
const width = Math.max(...results.map(({ name }) => name.length));
console.log(`\n  ${'suite'.padEnd(width)}  passed  failed  (skipped)  seconds    cpu`);
for (const { name, passed, failed, skipped, seconds, cpu } of results) {
  const cells = [passed, failed, skipped, seconds, cpu?.toFixed(1) ?? '–'].map((cell, at) =>
    String(cell).padStart([6, 6, 9, 7, 5][at]!),
  );
  console.log(`${failed > 0 ? '✖' : '✔'} ${name.padEnd(width)}  ${cells.join('  ')}`);
}
// Once more in short, at the end: of a long output a log may have kept the end alone.
for (const { name, failed, output } of results)
  if (failed > 0) console.log(`\n✖ ${name}\n${failedTests(output, SHOWN_AGAIN).join('\n')}`);
const sum = (key: 'passed' | 'failed' | 'cpu') =>
  results.reduce((all, result) => all + (result[key] ?? 0), 0);
console.log(
  `\n${Math.round((Date.now() - started) / 1000)} s; suites took ${Math.round(sum('cpu'))} s of processors`,
);
console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
end({
  passed: sum('passed'),
  failed: sum('failed'),
  suites: results.map(({ output: _output, ...numbers }) => numbers),
});
process.exit(sum('failed') > 0 ? 1 : 0);
