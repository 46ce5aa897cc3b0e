/** P(good) of every target against its estimated cost: which is asked, and which after it. Pure. */
import type { Choose, Entry, Policy, Target } from '../../config/types.ts';
import type { Offer } from '../../request.ts';
import type { Classification } from './choose.ts';
import type { Estimator } from './estimate.ts';

/** Name of the first of a value head's SCORES. */
export const FAMILIARITY = 'familiarity';

/** All that an entry's replicas share. */
const targetOf = ({ routes }: Entry): Target => routes[0]!.target;

/**
 * What each target of a policy offers.
 *
 * @param why why a target may not be asked for this request; null: it may.
 */
export function offersOf(
  policy: Policy,
  { scores }: Pick<Classification, 'scores'>,
  estimate: Estimator,
  why: (target: Target) => string | null,
): Offer[] {
  return [...policy.entries.values()].flatMap((entry) => {
    const target = targetOf(entry);
    const expected = estimate(target);
    const quality = scores[entry.name];
    if (!expected || quality === undefined) return [];
    const p = Math.min(1, Math.max(0, quality));
    return [{ entry, quality: p, estimate: expected, why: why(target) }];
  });
}

const byCost = (a: Offer, b: Offer) => a.estimate.usd - b.estimate.usd;
/** The most P first; of equal ones the cheaper. */
const byQuality = (a: Offer, b: Offer) => b.quality - a.quality || byCost(a, b);

/** P − cost/w, which has the same order as w·P − cost; a worth of 0 asks for the cheapest. */
function byWorth(willingness: number) {
  const worth = ({ quality, estimate }: Offer) => willingness * quality - estimate.usd;
  return (a: Offer, b: Offer) => worth(b) - worth(a) || byCost(a, b);
}

/** The cheapest of those that are good enough, then the others by P. */
function cheapestFrom(offers: readonly Offer[], floor: number): Offer[] {
  const good = offers.filter(({ quality }) => quality >= floor);
  const rest = offers.filter(({ quality }) => quality < floor);
  return [...good.sort((a, b) => byCost(a, b) || b.quality - a.quality), ...rest.sort(byQuality)];
}

/** The offer with the most P, which the others are held against. */
export const bestOf = (offers: readonly Offer[]): Offer => offers.toSorted(byQuality)[0]!;

/**
 * The offers in the order in which they are to be asked. Equal ones go by cost, then by the order of the policy.
 *
 * @param offers at least one
 * @param willingness for `cost_share`: the willingness in USD that spends such a share.
 */
export function rankOffers(
  offers: readonly Offer[],
  { by, at }: Choose,
  willingness: (share: number) => number,
): Offer[] {
  if (by === 'willingness_usd') return offers.toSorted(byWorth(at));
  if (by === 'cost_share') return offers.toSorted(byWorth(willingness(at)));
  return cheapestFrom(offers, by === 'quality_floor' ? at : bestOf(offers).quality - at);
}

/** Whether some offer reaches the floor that was asked for. */
export const reachesFloor = (offers: readonly Offer[], { by, at }: Choose): boolean =>
  by !== 'quality_floor' || offers.some(({ quality }) => quality >= at);
