/** One run, from the first intended start to the last answer. */
import { isStreamed, openLoop } from './open-loop.ts';
import type { Options } from './options.ts';
import type { Conversation } from './prompts.ts';
import { type Report, reportOf } from './report.ts';
import { createSender } from './send.ts';
import { Tally } from './tally.ts';

export interface RunHooks {
  /** Ends the run early: nothing new is begun, and what is under way is given up and counted so. */
  readonly stop?: AbortSignal;
  readonly progress?: (tally: Tally, elapsedMs: number) => void;
  /** Default: 2000. */
  readonly progressMs?: number;
}

/** Sends the load and reports on it. Failures of requests are part of the report; it does not reject for them. */
export async function run(
  options: Options,
  prompts: readonly Conversation[],
  { stop = new AbortController().signal, progress = () => {}, progressMs = 2_000 }: RunHooks = {},
): Promise<Report> {
  const tally = new Tally();
  const sender = createSender(options, stop);
  const underWay = new Set<Promise<void>>();
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  const ticker = setInterval(() => progress(tally, elapsed()), progressMs);
  try {
    await openLoop({
      rate: options.rate,
      seconds: options.seconds,
      signal: stop,
      begin: (index, intendedAt) => {
        if (underWay.size >= options.concurrencyLimit) {
          tally.notSent++;
          return;
        }
        tally.begun(performance.now() - intendedAt);
        const conversation = prompts[index % prompts.length]!;
        const one = sender
          .send(conversation, isStreamed(index, options.streamShare), intendedAt)
          .then((sample) => {
            tally.ended(sample);
            underWay.delete(one);
          });
        underWay.add(one);
      },
    });
    await Promise.all(underWay);
    return reportOf(options, tally, elapsed());
  } finally {
    clearInterval(ticker);
    await sender.close();
  }
}
