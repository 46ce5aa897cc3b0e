/**
 * Some clients, each of which sends its next request when its last is answered: what a fixed number of users, or of workers over
 * a list, does. A slow router gets less load; the open loop shows what that hides.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface ClosedLoop {
  readonly clients: number;
  readonly seconds: number;
  /** Pause of a client between an answer and its next request, ms. */
  readonly thinkMs: number;
  readonly signal: AbortSignal;
  /** Resolves when the request has ended. */
  readonly begin: (index: number, intendedAt: number) => Promise<void>;
}

/** Resolves when every client has ended its last request. @returns how many have begun */
export async function closedLoop({ clients, seconds, thinkMs, signal, begin }: ClosedLoop): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let begun = 0;
  const client = async () => {
    while (!signal.aborted && performance.now() < end) {
      await begin(begun++, performance.now());
      if (thinkMs > 0) await sleep(thinkMs, undefined, { signal }).catch(() => {});
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return begun;
}
