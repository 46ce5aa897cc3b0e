/**
 * Sends load to a router and tells what came of it; `--help` tells the options.
 *
 * Exit code: 0 when anything was answered, 1 when nothing was, 2 when it was asked for wrongly.
 */
import { HELP, type Options, readOptions, UsageError } from './options.ts';
import { readPrompts } from './prompts.ts';
import { planLine, progressLine, table } from './report.ts';
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
  const prompts = readPrompts(options.promptsFile ?? undefined);
  if (!options.ownsTarget) await checkTarget(options.url);
  return { options, prompts };
}

const { options, prompts } = await prepare().catch(fail);
const say = (line: string) => (options.json ? console.error(line) : console.log(line));
const stopping = new AbortController();
const stop = () => stopping.abort();
process.on('SIGTERM', stop).on('SIGINT', stop);
if (options.exitWithParent) {
  process.stdin.once('end', stop).once('error', stop).resume();
  // Whoever starts services waits for this word.
  console.log(`ready ${options.url}`);
}

say(planLine(options, prompts.length));
const report = await run(options, prompts, {
  stop: stopping.signal,
  progress: (tally, elapsedMs) => say(progressLine(tally, elapsedMs)),
});
say(`\n${table(report, options.concurrencyLimit)}`);
// A pipe takes its time; the process ends by itself when all is written.
if (options.json) console.log(JSON.stringify(report));
process.exitCode = report.answered > 0 ? 0 : 1;
// The leash must not hold it.
if (options.exitWithParent) process.stdin.unref?.();
