/** `llm-router value collect`: scored answers of the targets to prompts of one's own, for `value train`. */
import type { Command } from 'commander';
import { progress } from '../../../process/src/progress.ts';
import type { RouterConfig, Target } from '../../../router-controller/src/config/index.ts';
import type { Asked } from '../collect/ask.ts';
import { newCommand, numberFrom, ownPath, writable } from '../lib/command.ts';
import { CommandError, UsageError } from '../lib/errors.ts';
import { DEFAULT_URL, KEY_NOTE, readUrl, urlOption } from '../lib/router-client.ts';

interface Options {
  readonly prompts: string;
  readonly targets: string;
  readonly out: string;
  readonly budget: number;
  readonly judge?: string;
  readonly scoreCommand?: string;
  readonly baseline?: string;
  readonly config: string;
  readonly url: string;
  readonly concurrency: number;
  readonly maxTokens: number;
  readonly json?: boolean;
}

const NOTES = `
Lines of the prompts' file:
  {"prompt": "…", "group": "billing", "reference": "a good answer"}   group and reference may be missing; a .txt has a prompt a line

A judge compares each answer with the reference, else with the baseline's answer, in both orders: 1 better, ½ a tie or a change of mind,
0 worse; the baseline itself is ½. A command reads {"prompt", "target", "answer", "reference", "group"} on standard input and prints
a number from 0 to 1. Two answers that are the same for every prompt are scored on 20 prompts first: over .1, nothing is written.

OUT.journal keeps what was asked and paid, with the answers: the same command goes on where it stopped, and --budget counts all runs.
${KEY_NOTE}`;

export const valueCollect = (): Command =>
  newCommand('collect', 'asks targets your prompts through the router, and scores the answers', {
    examples: [
      {
        line: 'llm-router value collect --prompts mine.jsonl --targets small,large --judge large --budget 5 --out evals.jsonl',
        what: 'asks a router that runs; `value train --data evals.jsonl` reads what it writes',
      },
      {
        line: "llm-router value collect --prompts mine.jsonl --targets small,large --score-command 'python grade.py' --budget 5 --out evals.jsonl",
        what: 'scores by a test of your own',
      },
    ],
  })
    .requiredOption('--prompts <FILE>', 'prompts, as JSON lines or a text file')
    .requiredOption('--targets <NAMES>', 'targets of the configuration, with commas between')
    .requiredOption('--out <FILE>', 'scored answers, as JSON lines')
    .requiredOption(
      '--budget <USD>',
      'most that answers and judge may cost',
      numberFrom(0, 1e6, { whole: false }),
    )
    .option('--judge <TARGET>', 'target that compares answers')
    .option('--score-command <COMMAND>', 'command that scores an answer')
    .option(
      '--baseline <TARGET>',
      'with --judge: whose answers the others are compared with (default: the dearest of --targets)',
    )
    .addOption(
      ownPath('--config <FILE>', 'the router’s configuration: targets and prices', 'config/router.yaml'),
    )
    .addOption(urlOption('the router').default(DEFAULT_URL))
    .option('--concurrency <COUNT>', 'prompts at a time', numberFrom(1, 64), 4)
    .option('--max-tokens <COUNT>', 'of an answer', numberFrom(1, 100_000), 1024)
    .option('--json', 'the last line is one JSON object')
    .addHelpText('after', NOTES)
    .action(run);

/** A target with a price, and a policy by which it is reached. */
function reached({ table }: RouterConfig, name: string, option: string): Asked {
  const ofDefault = [...table.policies.values()].toSorted(
    (a, b) => Number(b.name === table.defaultPolicy) - Number(a.name === table.defaultPolicy),
  );
  const found = ofDefault.flatMap((policy) =>
    [...policy.entries.values()].flatMap(({ routes, fallbacks }) =>
      [...routes.map(({ target }) => target), ...fallbacks]
        .filter((target) => target.name === name)
        .map((target): Asked => ({ target, policy: policy.name })),
    ),
  )[0];
  const names = [...table.targets.keys()].join(', ');
  if (!found)
    throw new UsageError(
      table.targets.has(name)
        ? `${option}: no policy leads to '${name}'`
        : `${option}: no target '${name}' in the configuration; it has: ${names}`,
    );
  if (!found.target.price)
    throw new UsageError(
      `${option}: target '${name}' has no price, so nothing would keep to the budget; give it \`price: { input: …, output: … }\` (USD a million tokens)`,
    );
  return found;
}

const dearest = (targets: readonly Asked[]): string =>
  targets.toSorted((a, b) => priceOf(b.target) - priceOf(a.target))[0]!.target.name;
const priceOf = ({ price }: Target) => price!.input + price!.output;

async function run(options: Options): Promise<void> {
  const { judge, scoreCommand, budget, out, json } = options;
  if ((judge === undefined) === (scoreCommand === undefined))
    throw new UsageError('want one of --judge TARGET and --score-command COMMAND');
  writable(out, '--out');
  const url = readUrl(options.url);
  const { anyEnv, loadConfig } = await import('../../../router-controller/src/config/index.ts');
  const { readPrompts } = await import('../collect/prompts.ts');
  const { Journal } = await import('../collect/journal.ts');
  const { Collection } = await import('../collect/collect.ts');
  const prompts = await readPrompts(options.prompts);
  const config = await loadConfig(options.config, { env: anyEnv });
  const names = [
    ...new Set(
      options.targets
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
    ),
  ];
  if (names.length === 0) throw new UsageError('--targets: no names');
  const targets = names.map((name) => reached(config, name, '--targets'));
  const baseline = options.baseline ?? dearest(targets);
  if (!names.includes(baseline)) throw new UsageError(`--baseline: '${baseline}' is none of --targets`);
  if (options.baseline && judge === undefined) throw new UsageError('--baseline is for --judge');
  const bar = progress('prompts');
  const journal = new Journal(`${out}.journal`);
  if (journal.usd > 0) console.error(`going on: ${usd(journal.usd)} were spent before`);
  const collection = new Collection({
    url,
    targets,
    scorer:
      judge === undefined
        ? { kind: 'command', command: scoreCommand! }
        : { kind: 'judge', judge: reached(config, judge, '--judge'), baseline },
    journal,
    budget,
    concurrency: options.concurrency,
    maxTokens: options.maxTokens,
    out,
    progress: bar.update,
  });
  const made = await collection.run(prompts).finally(bar.end);
  const say = json ? console.error : console.log;
  say(
    `wrote ${out}: ${made.rows} scores of ${made.prompts} prompts, ${made.targets.length} targets; ${usd(made.spent_usd)} spent`,
  );
  if (made.failed > 0)
    say(`${made.failed} answers or scores could not be had, the last: ${collection.lastFailure}`);
  if (made.stopped === 'budget')
    say(
      `stopped before --budget ${budget}: ${made.prompts} of ${prompts.length} prompts; a larger one goes on from here`,
    );
  if (json) console.log(JSON.stringify(made));
  if (made.stopped === 'failures')
    throw new CommandError('stopped after failures in a row; the same command goes on from here');
}

const usd = (value: number) => `$${value.toFixed(value < 1 ? 4 : 2)}`;
