/** What a key and a request leave to choose from. */
import type { Estimator } from './choose/estimate.ts';
import type { Bounds } from './choose/possible.ts';
import type { DecisionInput } from './decider.ts';

/** @param estimate what a target will cost, for the request's own bound on it. */
export const boundsOf = (
  { extension, caller }: Pick<DecisionInput, 'extension' | 'caller'>,
  estimate: Estimator,
): Bounds => ({
  allowed: caller.targets,
  only: extension.targets ?? null,
  exclude: extension.exclude ?? [],
  maxPrice: extension.maxPrice ?? null,
  maxCost: extension.maxCost == null ? null : { usd: extension.maxCost, estimate },
});
