/** Hedging: a second target is asked when the first has not begun in time; the slower of the two is aborted. */
import type { Target } from '../../config/types.ts';
import type { TryResult } from '../journey.ts';
import type { Time } from '../time.ts';
import { fallsBack } from './outcome.ts';
import type { TryOptions } from './try-target.ts';

export interface HedgeOptions {
  /** Asks one target. */
  readonly run: (target: Target, options: TryOptions) => Promise<TryResult>;
  /** How long the first may take to its first byte, milliseconds. */
  readonly delayMs: number;
  /** The target to ask then; null: none is left. */
  readonly second: () => Target | null;
  readonly time: Time;
}

/**
 * @returns results in the order in which they came. At most one has won; when one has, the other was aborted and is
 * over.
 */
export async function hedged(
  first: Target,
  { run, delayMs, second, time }: HedgeOptions,
): Promise<TryResult[]> {
  const running = new Map<Target, { controller: AbortController; result: Promise<TryResult> }>();
  const begin = (target: Target, onFirstByte?: () => void) => {
    const controller = new AbortController();
    const result = run(target, { signal: controller.signal, ...(onFirstByte && { onFirstByte }) });
    running.set(target, { controller, result });
  };

  const tooSlow = Promise.withResolvers<'slow'>();
  const timer = time.after(delayMs, () => tooSlow.resolve('slow'));
  const results: TryResult[] = [];
  try {
    begin(first, () => timer.stop());
    const early = await Promise.race([running.get(first)!.result, tooSlow.promise]);
    if (early !== 'slow') {
      running.clear();
      return [early];
    }
    const other = second();
    if (other) begin(other);
    while (running.size > 0) {
      const result = await Promise.race([...running.values()].map((each) => each.result));
      running.delete(result.target);
      results.push(result);
      // An answer ends it, and so does a refusal that every target would repeat.
      if (result.kind === 'won' || !fallsBack(result.failure.outcome)) break;
    }
    for (const { controller, result } of running.values()) {
      controller.abort(new Error('another target was faster'));
      const loser = await result;
      // Both may have come in the same moment.
      if (loser.kind === 'won') {
        loser.answer.abort();
        loser.pass.end('unknown');
      } else results.push(loser);
    }
    running.clear();
    return results;
  } finally {
    timer.stop();
    for (const { controller } of running.values()) controller.abort();
  }
}
