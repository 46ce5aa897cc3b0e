/** Money: what a call costs by the price table, and what routing has saved. */
import type { Policy, Target } from '../config/types.ts';
import type { RoutedRequest, Usage } from '../request.ts';
import { type TokenPrice, usdOf } from './price.ts';

/** USD of a call by the target's prices; null when it has none. */
export function costOf({ price }: Target, usage: Usage): number | null {
  return price && usdOf(price, usage);
}

/** What the same call would have cost at the policy's dearest target, less what it did cost. */
export function savingsOf(request: RoutedRequest, cost: number, usage: Usage): number {
  let dearest = cost;
  for (const price of pricesAt(request.policy)) dearest = Math.max(dearest, usdOf(price, usage));
  return dearest - cost;
}

const prices = new WeakMap<Policy, readonly TokenPrice[]>();

/** Prices of the targets that a policy's entries lead to, each once. */
function pricesAt(policy: Policy): readonly TokenPrice[] {
  let known = prices.get(policy);
  if (!known) {
    const targets = [...policy.entries.values()].flatMap(({ routes }) => routes.map(({ target }) => target));
    known = [...new Set(targets)].flatMap(({ price }) => price ?? []);
    prices.set(policy, known);
  }
  return known;
}
