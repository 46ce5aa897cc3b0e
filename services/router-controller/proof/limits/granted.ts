/** What the limit in requests per minute lets through, and how much of it was used up. */
import type { LoadResult } from './clients.ts';
import { RATE } from './world.ts';

/** At most, in so long. */
export const mostGranted = (ms: number): number =>
  Math.floor(RATE.burst + (ms * RATE.perMinute) / 60_000) + 1;

/** Percent of it that nobody got, up to the last grant: clients that pause at the end ask for nothing more. */
export function shortfallPct(granted: number, { firstAt, lastGrantAt }: LoadResult): number {
  const limit = mostGranted(lastGrantAt - firstAt);
  return Math.max(0, (100 * (limit - granted)) / limit);
}
