/** `llm-router top`: traffic, labels, targets, errors and cost of a router that runs, as they go. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { errorText, noRouter } from '../../../process/src/refused.ts';
import { newCommand, numberFrom } from '../lib/command.ts';
import { CommandError } from '../lib/errors.ts';
import { call, DEFAULT_URL, KEY_NOTE, readUrl, textOf, urlOption } from '../lib/router-client.ts';

interface Options {
  readonly url: string;
  readonly every: number;
  readonly once?: boolean;
  readonly json?: boolean;
}

export const top = (): Command =>
  newCommand('top', 'traffic, labels, targets, errors and cost of a router that runs, as they go', {
    group: 'ask',
    examples: [
      { line: 'llm-router top', what: `the router at ${DEFAULT_URL}; Ctrl-C ends it` },
      { line: 'llm-router top --once --json', what: 'one interval as a JSON object' },
    ],
  })
    .addOption(urlOption('the router').default(DEFAULT_URL))
    .option('--every <SECONDS>', 'length of an interval', numberFrom(0.2, 3_600, { whole: false }), 2)
    .option('--once', 'one interval, then the end')
    .option('--json', 'one JSON object an interval')
    .addHelpText('after', KEY_NOTE)
    .action(run);

async function run(options: Options): Promise<void> {
  const { isRouters, parseMetrics } = await import('../top/metrics.ts');
  const { linesOf, viewOf } = await import('../top/view.ts');
  const url = readUrl(options.url);
  const read = async () => {
    const response = await call(url, '/metrics');
    const text = await textOf(response, url);
    if (!response.ok) throw new CommandError(errorText(response.status, text));
    const snapshot = parseMetrics(text);
    if (!isRouters(snapshot))
      throw new CommandError(noRouter(url, response.headers.get('content-type'), text));
    return { snapshot, at: performance.now() };
  };
  // A terminal is drawn over; what is written elsewhere is kept.
  const isLive = process.stdout.isTTY && !options.once && !options.json;
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  let before = await read();
  if (isLive) process.stdout.write('\x1b[?1049h\x1b[?25l');
  try {
    for (;;) {
      await sleep(options.every * 1000, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      const after = await read();
      const view = viewOf(before.snapshot, after.snapshot, (after.at - before.at) / 1000);
      before = after;
      if (options.json) console.log(JSON.stringify(view));
      else if (isLive) process.stdout.write(`\x1b[H\x1b[J${linesOf(view, url).join('\n')}\n`);
      else console.log(`${linesOf(view, url).join('\n')}\n`);
      if (options.once) return;
    }
  } finally {
    if (isLive) process.stdout.write('\x1b[?25h\x1b[?1049l');
  }
}
