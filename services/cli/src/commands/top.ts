/** `llm-router top`: traffic, labels, targets, errors and cost of a router that runs, as they go. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { isLive } from '../../../process/src/live-line.ts';
import { waiting } from '../../../process/src/progress.ts';
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

/** A screen of its own, without a cursor, on which a long line is cut and does not wrap; and the user's own again. */
const SCREEN = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H';
const BACK = '\x1b[?7h\x1b[?25h\x1b[?1049l';

async function run(options: Options): Promise<void> {
  const { isRouters, parseMetrics } = await import('../top/metrics.ts');
  const { linesOf, viewOf } = await import('../top/view.ts');
  const url = readUrl(options.url);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  const read = async () => {
    const response = await call(url, '/metrics', undefined, stopping.signal);
    const text = await textOf(response, url);
    if (!response.ok) throw new CommandError(errorText(response.status, text));
    const snapshot = parseMetrics(text);
    if (!isRouters(snapshot))
      throw new CommandError(noRouter(url, response.headers.get('content-type'), text));
    return { snapshot, at: performance.now() };
  };
  // A terminal is drawn over; what is written elsewhere is kept.
  const onTerminal = isLive(process.stdout) && !options.once && !options.json;
  let hasScreen = false;
  try {
    let before = await waiting(`asking ${url}`, read);
    if (onTerminal) {
      process.stdout.write(`${SCREEN}${url}  first figures in ${options.every} s`);
      hasScreen = true;
    }
    for (;;) {
      await sleep(options.every * 1000, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      const after = await read();
      const view = viewOf(before.snapshot, after.snapshot, (after.at - before.at) / 1000);
      before = after;
      if (options.json) console.log(JSON.stringify(view));
      else if (onTerminal)
        process.stdout.write(
          `\x1b[H\x1b[J${linesOf(view, url)
            .slice(0, (process.stdout.rows || 24) - 1)
            .join('\n')}\n`,
        );
      else console.log(`${linesOf(view, url).join('\n')}\n`);
      if (options.once) return;
    }
  } catch (error) {
    // Stopped while it asked: that is the end, not a failure.
    if (!stopping.signal.aborted) throw error;
  } finally {
    if (hasScreen) process.stdout.write(BACK);
  }
}
