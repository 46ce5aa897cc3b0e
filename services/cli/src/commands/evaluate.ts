/**
 * `llm-router evaluate`: figures of a running classifier on a labelled file. Prompts go one at a time, so that latencies are
 * a request's own and no answer depends on its neighbours.
 */
import type { Command } from 'commander';
import { progress, waiting } from '../../../process/src/progress.ts';
import { newCommand, ownPath } from '../lib/command.ts';
import { CommandError, UsageError } from '../lib/errors.ts';

interface Options {
  readonly policy: string;
  readonly data: string;
  readonly endpoint?: string;
  readonly repository: string;
  readonly config: string;
  readonly json?: boolean;
}

const ROWS = `
Rows of the file:
  {"prompt": "…", "task" | "complexity" | "intent" | "label": "…"}       a null label is passed over
  {"body": {a whole request}, "task": …, "target": "a name or a list"}   understood as in the router
  and of a .csv the same as columns: prompt (or text), and the label
  and "language" (or "lang"), ISO 639-1, for the figures by language; else script and small words tell it`;

export const evaluate = (): Command =>
  newCommand('evaluate', 'labelled prompts or whole requests through the running classifier, with a table', {
    group: 'better',
    examples: [
      {
        line: 'llm-router evaluate --policy task_router --data labelled.jsonl',
        what: 'starts the embedded classifier over model_repository',
      },
      {
        line: 'llm-router evaluate --policy task_router --data labelled.jsonl --endpoint 127.0.0.1:8001 --json',
        what: 'on a running Triton; the last line is one JSON object',
      },
    ],
  })
    .requiredOption(
      '--policy <NAME>',
      'task_router, complexity_router, intent_router or one of your own; its model is NAME_ensemble',
    )
    .requiredOption('--data <FILE>', 'labelled rows: JSON lines, or a .csv with a heading')
    .option('--endpoint <HOST:PORT>', 'gRPC port of a Triton or router-server (default: one is started)')
    .addOption(ownPath('--repository <DIR>', 'what that one serves', 'model_repository'))
    .addOption(
      ownPath('--config <FILE>', 'whose policy NAME says rules and targets for bodies', 'config/router.yaml'),
    )
    .option('--json', 'the last line is one JSON object')
    .addHelpText('after', ROWS)
    .action(run);

/** What the classifier, or the way to it, said. */
function told(error: Error & { reason?: string }, endpoint: string | undefined): string {
  if (endpoint === undefined) return `router-server: ${error.message}`;
  const said = error.message.startsWith(`${endpoint}: `) ? error.message : `${endpoint}: ${error.message}`;
  return error.reason === 'unavailable'
    ? `${said}; --endpoint is the gRPC port of a Triton or router-server (\`llm-router triton\` starts one), and without it one is started here`
    : said;
}

async function run({ policy, data, endpoint, repository, config, json }: Options): Promise<void> {
  if (endpoint !== undefined && !/^[^/\s]+:\d+$/.test(endpoint))
    throw new UsageError(
      `--endpoint wants HOST:PORT of a gRPC server, for example 127.0.0.1:8001, not '${endpoint}'`,
    );
  const { evaluate: measure } = await import('../evaluate/run.ts');
  const { BadRows } = await import('../evaluate/rows.ts');
  const { table } = await import('../evaluate/scores.ts');
  const bar = progress('');
  try {
    const start = async () => {
      const { startRouterServer } = await import('../../../router-server/src/index.ts');
      return startRouterServer({ repository, pollSeconds: 0 });
    };
    const server = endpoint ? null : await waiting('starting the classifier', start, { isBusy: true });
    if (server) console.error(`embedded router-server on ${server.grpc}`);
    try {
      const scores = await measure(endpoint ?? server!.grpc, policy, data, config, bar.update);
      bar.end();
      const report = scores.report();
      console.log(`${policy} on ${data}\n\n${table(report, scores)}`);
      if (json) console.log(JSON.stringify(report));
    } finally {
      await server?.close();
    }
  } catch (error) {
    bar.end();
    throw new CommandError(error instanceof BadRows ? error.message : told(error as Error, endpoint));
  }
}
