/** Money: what a call costs by the price table, and what routing has saved. */
import type { Target } from '../config/types.ts';
import type { RoutedRequest, Usage } from '../request.ts';
import { usdOf } from './price.ts';

/** USD of a call by the target's prices; null when it has none. */
export function costOf({ price }: Target, usage: Usage): number | null {
  return price && usdOf(price, usage);
}

/** What the same call would have cost at the policy's dearest target, less what it did cost. */
export function savingsOf(request: RoutedRequest, cost: number, usage: Usage): number {
  const targets = [...request.policy.entries.values()].flatMap((entry) =>
    entry.routes.map((route) => route.target),
  );
  const costs = targets.flatMap((target) => costOf(target, usage) ?? []);
  return Math.max(0, Math.max(cost, ...costs) - cost);
}
