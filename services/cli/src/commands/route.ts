/** `llm-router route "prompt" | FILE`: where a request would go, and why; nothing is called. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { waiting } from '../../../process/src/progress.ts';
import { newCommand } from '../lib/command.ts';
import { CommandError } from '../lib/errors.ts';
import { json, KEY_NOTE, readUrl, urlOption } from '../lib/router-client.ts';
import type { Told } from '../route/told.ts';

interface Options {
  readonly policy?: string;
  readonly url?: string;
  readonly config?: string;
  readonly why?: boolean;
  readonly json?: boolean;
}

/** As many as `POST /v1/route` takes at once. */
const AT_ONCE = 256;

export const route = (): Command =>
  newCommand('route', 'where a request would go, and why; nothing is called', {
    group: 'ask',
    examples: [
      { line: 'llm-router route "Fix this loop: for (i = 0; i <= n; i++)"', what: 'no router needs to run' },
      { line: 'llm-router route --why request.json', what: 'a whole request, with all scores and features' },
      {
        line: 'llm-router route --json prompts.jsonl',
        what: 'one decision a line, as POST /v1/route tells it',
      },
      { line: 'llm-router route --url http://router:8084 "hi"', what: 'asks a router that runs' },
    ],
  })
    .argument(
      '<prompt|FILE|->',
      'the prompt; or a file: .json a request, .jsonl one a line, else its text; - standard input',
    )
    .option('--policy <NAME>', 'policy to decide by (default: the request’s, else the configuration’s)')
    .addOption(urlOption('a router that runs (default: the decision is made here)').conflicts('config'))
    .addOption(new Option('--config <FILE>', 'the table to decide by (default: config/router.yaml)'))
    .option('--why', 'with all scores, features and what was passed over')
    .option('--json', 'as POST /v1/route prints it; several requests: one a line')
    .addHelpText('after', KEY_NOTE)
    .action(run);

async function run(argument: string, options: Options): Promise<void> {
  const { readRequests } = await import('../route/requests.ts');
  const { summaryOf, whyOf } = await import('../route/told.ts');
  const bodies = readRequests(argument).map((body) =>
    options.policy === undefined ? body : { ...body, model: options.policy },
  );
  const url = options.url ? readUrl(options.url) : null;
  const decided = url
    ? await waiting('deciding', () => askAll(url, bodies))
    : await here(options.config ? resolve(options.config) : null, bodies);
  let refused = 0;
  for (const [at, told] of decided.entries()) {
    const isError = 'error' in told;
    if (isError) refused++;
    if (options.json) console.log(JSON.stringify(told));
    else if (isError) console.error(`request ${at + 1}: ${told.error.message}`);
    else console.log(`${at > 0 ? '\n' : ''}${options.why ? whyOf(told) : summaryOf(told)}`);
  }
  if (refused > 0) process.exitCode = 1;
}

type Answer = Told | { readonly error: { readonly message: string } };

/** A decision, or why there is none; anything else was not said by a router. */
const isAnswer = (value: unknown): boolean => {
  const { target, model, error } = (value ?? {}) as Partial<Record<'target' | 'model' | 'error', unknown>>;
  return (typeof target === 'string' && typeof model === 'string') || typeof error === 'object';
};
const areAnswers = (value: unknown): boolean => Array.isArray(value) && value.every(isAnswer);

async function askAll(url: string, bodies: readonly object[]): Promise<Answer[]> {
  if (bodies.length === 1) return [await json<Told>(url, '/v1/route', bodies[0], isAnswer)];
  const all: Answer[] = [];
  for (let at = 0; at < bodies.length; at += AT_ONCE)
    all.push(...(await json<Answer[]>(url, '/v1/route', bodies.slice(at, at + AT_ONCE), areAnswers)));
  return all;
}

async function here(config: string | null, bodies: readonly object[]): Promise<Answer[]> {
  const start = async () => {
    const { startLocalRouter } = await import('../route/local-router.ts');
    const { ConfigError } = await import('../../../router-controller/src/config/index.ts');
    return startLocalRouter(config).catch((error: Error) => {
      throw error instanceof ConfigError ? error : new CommandError(error.message);
    });
  };
  const router = await waiting('starting the classifier', start, { isBusy: true });
  try {
    return await waiting('deciding', () => askAll(router.url, bodies));
  } finally {
    await router.stop();
  }
}
