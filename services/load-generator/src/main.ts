/**
 * Sends load to a router and tells what came of it; `--help` tells the options.
 *
 * Exit code: 0 when anything was answered, 1 when nothing was, 2 when it was asked for wrongly.
 */
import { writeFileSync } from 'node:fs';
import { hear, whenParentGone } from '../../process/src/ending.ts';
import { isLive } from '../../process/src/live-line.ts';
import { whyUnwritable } from '../../process/src/text-file.ts';
import { compare, compareTable, differences } from './compare.ts';
import { live } from './live.ts';
import { HELP, type Options, readOptions, UsageError } from './options.ts';
import { comparePage, reportPage } from './page/report-page.ts';
import { readPrompts } from './prompts.ts';
import { readReport } from './read-report.ts';
import { planLine, table } from './report.ts';
import { run } from './run.ts';
import { checkTarget } from './target.ts';

function fail(error: unknown): never {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exit(2);
}

async function prepare(): Promise<{ options: Options; prompts: ReturnType<typeof readPrompts> }> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (!options) {
    console.log(HELP);
    process.exit(0);
  }
  for (const flag of ['out', 'html'] as const) {
    // Said now, not when a run of an hour is over.
    const why = options[flag] === null ? null : whyUnwritable(options[flag]);
    if (why !== null) throw new UsageError(`--${flag}: ${options[flag]} can’t be written: ${why}`);
  }
  const prompts = readPrompts(options.promptsFile ?? undefined);
  if (!options.ownsTarget && !options.compare) await checkTarget(options.url);
  return { options, prompts };
}

const { options, prompts } = await prepare().catch(fail);
const say = (line: string) => (options.json ? console.error(line) : console.log(line));

function write(file: string | null, text: string): void {
  if (file === null) return;
  writeFileSync(file, text);
  say(`wrote ${file}`);
}

function showBoth([first, second]: readonly [string, string]): void {
  const [a, b] = [readReport(first), readReport(second)];
  const rows = compare(a, b);
  for (const line of differences(a, b)) say(`not the same in both runs: ${line}`);
  say(compareTable(rows));
  write(options.html, comparePage(a, b, rows));
  if (options.json) console.log(JSON.stringify({ a, b }));
}

async function send(): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  // What was asked is waited for and told; a second signal does without.
  hear(stop);
  if (options.exitWithParent) {
    whenParentGone(stop);
    // Whoever starts services waits for this word.
    console.log(`ready ${options.url}`);
  }
  say(planLine(options, prompts.length));
  const shown = live(options.seconds, say, process.stderr);
  const report = await run(options, prompts, {
    stop: stopping.signal,
    progress: shown.show,
    ...(isLive(process.stderr) && { progressMs: 500 }),
  });
  shown.end();
  if (report.gave_up === null) {
    say(`\n${table(report, options.concurrencyLimit)}`);
    write(options.out, `${JSON.stringify(report, null, 2)}\n`);
    write(options.html, reportPage(report));
  } else {
    // There is nothing to keep, and an earlier result may stand in the file.
    const kept = (options.out ?? options.html) ? '; no file was written' : '';
    console.error(
      `${report.gave_up}\nnone of ${report.sent} requests was answered, from the first one on${kept}`,
    );
  }
  // A pipe takes its time; the process ends by itself when all is written.
  if (options.json) console.log(JSON.stringify(report));
  process.exitCode = report.answered > 0 ? 0 : 1;
  // The leash must not hold it.
  if (options.exitWithParent) process.stdin.unref?.();
}

if (options.compare) {
  try {
    showBoth(options.compare);
  } catch (error) {
    fail(error);
  }
} else await send();
