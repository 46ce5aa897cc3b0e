/** What choosing by value saved. Pure. */
import type { Target } from '../config/types.ts';
import { bestOf } from '../decide/index.ts';
import type { Offer, Usage, Weighed } from '../request.ts';
import { costOf } from './cost.ts';

export interface ValueSaving {
  readonly against: 'best' | 'dearest';
  readonly usd: number;
}

/** What another target would have used: the same prompt, and an answer that is longer or shorter as was expected. */
export function usageAt(other: Offer, answered: Offer, usage: Usage): Usage {
  const ratio = other.estimate.outputTokens / Math.max(1, answered.estimate.outputTokens);
  return {
    ...usage,
    cachedTokens: other === answered ? usage.cachedTokens : other.estimate.cachedTokens,
    completionTokens: usage.completionTokens * ratio,
  };
}

/**
 * Against the target with the most P, and against the dearest, of those that might have been asked.
 *
 * @param answered who answered; nothing is told where it is none of the targets that were weighed.
 * @param cost what it cost, USD
 */
export function valueSavings(
  { offers }: Weighed,
  { name }: Target,
  usage: Usage,
  cost: number,
): readonly ValueSaving[] {
  const mine = offers.find(({ entry }) => entry.name === name);
  const may = offers.filter(({ why }) => why === null);
  if (!mine || may.length === 0) return [];
  const costAt = (offer: Offer) =>
    offer === mine ? cost : (costOf(offer.entry.routes[0]!.target, usageAt(offer, mine, usage)) ?? cost);
  const dearest = Math.max(...may.map(costAt));
  return [
    { against: 'best', usd: Math.max(0, costAt(bestOf(may)) - cost) },
    { against: 'dearest', usd: Math.max(0, dearest - cost) },
  ];
}
