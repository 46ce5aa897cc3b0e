/** Which entry does the harder work: as the file says, else as prices do. */
import type { Price } from './types.ts';

interface Ranked {
  readonly rank: number | undefined;
  readonly price: Price | null;
}

/** One figure for a price: prompts are about three times as long as answers. */
export const blended = ({ input, output }: Price): number => (3 * input + output) / 4;

/** @returns a rank for each entry in order; null where neither ranks nor prices tell one. */
export function ranksOf(entries: readonly Ranked[]): readonly number[] | null {
  if (entries.some(({ rank }) => rank !== undefined)) return entries.map(({ rank }) => rank ?? 0);
  const prices = entries.flatMap(({ price }) => (price ? [blended(price)] : []));
  if (prices.length < entries.length || prices.length === 0) return null;
  const order = [...new Set(prices)].sort((a, b) => a - b);
  return prices.map((price) => order.indexOf(price));
}
