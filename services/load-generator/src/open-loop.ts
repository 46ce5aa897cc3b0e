/**
 * Begins requests at their intended times, however long earlier ones take. Real users don't wait for each other; a
 * generator that waits for slow answers would send least just when it hurts most (coordinated omission).
 */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';

export interface OpenLoop {
  readonly rate: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** @param intendedAt on the clock of `performance.now()` */
  readonly begin: (index: number, intendedAt: number) => void;
}

/** How many requests a run has. */
export const plannedOf = ({ rate, seconds }: { rate: number; seconds: number }): number =>
  // 0.1 × 30 is a little more than 3 in binary.
  Math.max(1, Math.ceil(rate * seconds - 1e-9));

/** Resolves when the last one has begun, or the signal says stop. @returns how many have begun */
export async function openLoop({ rate, seconds, signal, begin }: OpenLoop): Promise<number> {
  const planned = plannedOf({ rate, seconds });
  const started = performance.now();
  for (let index = 0; index < planned; index++) {
    const intendedAt = started + (index * 1000) / rate;
    const wait = intendedAt - performance.now();
    try {
      // When behind, answers that have arrived are still taken in between.
      if (wait > 0) await sleep(wait, undefined, { signal });
      else await turn(undefined, { signal });
    } catch {
      return index;
    }
    begin(index, intendedAt);
  }
  return planned;
}

/** True for so many of the requests as the share says, evenly spread and the same each time. */
export const isStreamed = (index: number, share: number): boolean =>
  Math.floor((index + 1) * share + 1e-9) > Math.floor(index * share + 1e-9);
