/** One run, from the first intended start to the last answer. */
import { Barred } from './barred.ts';
import { closedLoop } from './closed-loop.ts';
import { readMoney } from './cost.ts';
import { askOf, newTag, unique } from './mixes.ts';
import { isStreamed, openLoop } from './open-loop.ts';
import type { Options } from './options.ts';
import type { Conversation } from './prompts.ts';
import { type Report, reportOf } from './report.ts';
import { createSender } from './send.ts';
import { Tally } from './tally.ts';
import { Timeline } from './timeline.ts';

/** For its counters, a router that has nothing to do yet, and one that had. */
const BEFORE_MS = 2_000;
const AFTER_MS = 5_000;

export interface RunHooks {
  /** Ends the run early: nothing new is begun, and what is under way is given up and counted so. */
  readonly stop?: AbortSignal;
  readonly progress?: (tally: Tally, elapsedMs: number) => void;
  /** Default: 2000. */
  readonly progressMs?: number;
}

/**
 * Sends the load and reports on it. Failures of requests are part of the report; it does not reject for them. A run to
 * which nothing of an answer comes from its first request on ends itself, and the report's `gave_up` tells why.
 */
export async function run(
  options: Options,
  prompts: readonly Conversation[],
  { stop: stopped = new AbortController().signal, progress = () => {}, progressMs = 2_000 }: RunHooks = {},
): Promise<Report> {
  const tally = new Tally();
  const givingUp = new AbortController();
  const stop = AbortSignal.any([stopped, givingUp.signal]);
  let gaveUp: string | null = null;
  const barred = new Barred((why) => {
    gaveUp = why;
    givingUp.abort();
  });
  const timeline = new Timeline(options.seconds);
  const sender = createSender(options, stop);
  const tag = newTag();
  const underWay = new Set<Promise<void>>();
  const before = await readMoney(options, BEFORE_MS);
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  const ticker = setInterval(() => progress(tally, elapsed()), progressMs);

  const begin = (index: number, intendedAt: number): Promise<void> => {
    tally.begun(performance.now() - intendedAt);
    const plain = askOf(options.mix, prompts, index);
    const ask = options.repeat ? plain : unique(plain, tag, index);
    const one = sender.send(ask, isStreamed(index, options.streamShare), intendedAt).then((sample) => {
      tally.ended(sample);
      barred.ended(sample);
      timeline.ended(sample, elapsed());
      underWay.delete(one);
    });
    underWay.add(one);
    return one;
  };

  try {
    const { seconds, rate, clients, thinkMs } = options;
    if (clients !== null) await closedLoop({ clients, seconds, thinkMs, signal: stop, begin });
    else
      await openLoop({
        rate,
        seconds,
        signal: stop,
        begin: (index, intendedAt) => {
          if (underWay.size < options.concurrencyLimit) void begin(index, intendedAt);
          else tally.notSent++;
        },
      });
    await Promise.all(underWay);
    const elapsedMs = elapsed();
    const after = before && (await readMoney(options, AFTER_MS));
    const money = before && after && { cost: after.cost - before.cost, saved: after.saved - before.saved };
    return reportOf(options, tally, elapsedMs, timeline, money, gaveUp ?? barred.why);
  } finally {
    clearInterval(ticker);
    barred.close();
    await sender.close();
  }
}
