/** `llm-router chat "prompt"`: one prompt to a router that runs, its decision, and the answer as it comes. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { waiting } from '../../../process/src/progress.ts';
import { errorText, noRouter } from '../../../process/src/refused.ts';
import type { Answer } from '../chat/answer.ts';
import { newCommand, numberFrom } from '../lib/command.ts';
import { CommandError } from '../lib/errors.ts';
import { columns, paint } from '../lib/paint.ts';
import { call, DEFAULT_URL, KEY_NOTE, parsed, readUrl, textOf, urlOption } from '../lib/router-client.ts';

interface Options {
  readonly url: string;
  readonly model: string;
  readonly system?: string;
  readonly maxTokens?: number;
  readonly json?: boolean;
}

export const chat = (): Command =>
  newCommand('chat', 'one prompt to a router that runs: its decision, and the answer as it comes', {
    group: 'ask',
    examples: [
      { line: 'llm-router chat "Write a Python function that reverses a list"', what: `asks ${DEFAULT_URL}` },
      {
        line: 'llm-router chat --model complexity_router - < prompt.txt',
        what: 'another policy, a long prompt',
      },
    ],
  })
    .argument('<prompt|->', 'the prompt; - reads standard input')
    .addOption(urlOption('the router').default(DEFAULT_URL))
    .option('--model <NAME>', 'auto, a policy, or a model of the table', 'auto')
    .option('--system <TEXT>', 'system message before the prompt')
    .option('--max-tokens <N>', 'longest answer', numberFrom(1, 1_000_000))
    .option('--json', 'decision, answer, usage and times as one JSON object')
    .addHelpText('after', KEY_NOTE)
    .action(run);

/** The decision as the answer's headers tell it. */
function decisionOf(headers: Headers): Record<string, string> {
  const told: Record<string, string> = {};
  for (const name of ['policy', 'label', 'confidence', 'model', 'reason'])
    if (headers.has(`x-llm-router-${name}`)) told[name] = headers.get(`x-llm-router-${name}`)!;
  return told;
}

/** As it streams; whole, where what is behind the router does not stream. @throws CommandError where it is no answer */
async function answerOf(response: Response, url: string, onText: (piece: string) => void): Promise<Answer> {
  const { readStream, readWhole } = await import('../chat/answer.ts');
  const kind = response.headers.get('content-type');
  if (kind?.startsWith('text/event-stream')) return readStream(response.body!, onText);
  const text = await textOf(response, url);
  const answer = readWhole(parsed(text));
  if (answer === null) throw new CommandError(noRouter(url, kind, text));
  onText(answer.text);
  return answer;
}

async function run(argument: string, options: Options): Promise<void> {
  const prompt = argument === '-' ? readFileSync(0, 'utf8') : argument;
  const began = performance.now();
  const since = () => Math.round(performance.now() - began);
  const url = readUrl(options.url);
  const response = await waiting('waiting for the answer', () =>
    call(url, '/v1/chat/completions', {
      model: options.model,
      messages: [
        ...(options.system ? [{ role: 'system', content: options.system }] : []),
        { role: 'user', content: prompt },
      ],
      stream: true,
      stream_options: { include_usage: true },
      ...(options.maxTokens && { max_tokens: options.maxTokens }),
    }),
  );
  const decision = decisionOf(response.headers);
  // The decision is no part of the answer, so that `llm-router chat … > answer.txt` holds the answer alone.
  if (!options.json && Object.keys(decision).length > 0)
    console.error(
      columns(Object.entries(decision).map((row) => [paint('dim', row[0], process.stderr), row[1]])).join(
        '\n',
      ),
    );
  if (!response.ok) throw new CommandError(errorText(response.status, await textOf(response, url)));
  let first: number | null = null;
  const answer = await answerOf(response, url, (piece) => {
    first ??= since();
    if (!options.json) process.stdout.write(piece);
  });
  const { text, usage, finish, error } = answer;
  if (options.json)
    console.log(
      JSON.stringify({
        decision,
        text,
        finish_reason: finish,
        usage,
        error,
        first_token_ms: first,
        ms: since(),
      }),
    );
  else {
    process.stdout.write('\n');
    const tokens = usage
      ? `${usage.prompt_tokens ?? 0} tokens in, ${usage.completion_tokens ?? 0} out, `
      : '';
    const cut = finish === 'length' ? '; cut at the longest answer' : '';
    console.error(
      paint(
        'dim',
        `${tokens}first token after ${first ?? '–'} ms, ${since()} ms in all${cut}`,
        process.stderr,
      ),
    );
  }
  if (error !== null) throw new CommandError(error);
}
