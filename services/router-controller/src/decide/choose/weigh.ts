/** The choice of a policy of `kind: value`: from what the head says to an entry, the ones after it, and why. Pure but for the lot. */
import type { Choose, Entry, Policy } from '../../config/types.ts';
import type { DecisionReason, Offer, Weighed } from '../../request.ts';
import type { Choice, Classification } from './choose.ts';
import { bestOf, FAMILIARITY, rankOffers, reachesFloor } from './value.ts';

export interface Weighing {
  readonly policy: Policy;
  readonly classification: Pick<Classification, 'extraScores'>;
  /** Of every target; at least one. */
  readonly offers: readonly Offer[];
  /** The request's own setting; null: the policy's. */
  readonly choose: Choose | null;
  /** Whether the conversation goes on, or begins here. */
  readonly goesOn: boolean;
  readonly willingness: (share: number) => number;
  readonly random: () => number;
}

export interface WeighedChoice extends Choice {
  readonly weighed: Weighed;
}

export function weigh({ policy, classification, offers, ...more }: Weighing): WeighedChoice {
  const value = policy.value!;
  const choose = more.choose ?? value.choose;
  const familiarity = classification.extraScores?.[FAMILIARITY] ?? null;
  const may = offers.filter(({ why }) => why === null);
  // Where nothing may be asked the refusal speaks of the one that would have been.
  const ranked = rankOffers(may.length > 0 ? may : offers, choose, more.willingness);
  const made = (first: Entry, reason: DecisionReason, propensity: number): WeighedChoice => ({
    entry: first,
    reason,
    label: first.name,
    next: ranked.flatMap(({ entry }) => (entry === first ? [] : [entry])),
    weighed: { choose, offers, familiarity, propensity },
  });
  const { unfamiliar, explore } = value;
  const strange = unfamiliar !== null && familiarity !== null && familiarity < unfamiliar.below;
  if (strange && unfamiliar.entry) {
    const fixed = may.find(({ entry }) => entry === unfamiliar.entry);
    // Where the fixed one can't, the best of what is left is the next safe place.
    return made(fixed?.entry ?? bestOf(ranked).entry, 'unfamiliar', 1);
  }
  const chosen = ranked[0]!.entry;
  // A setting of the request's own is an order, and moving a conversation by lot would cost it its prompt cache.
  const draws = explore > 0 && may.length > 1 && more.choose === null && !more.goesOn;
  if (draws && more.random() < explore) {
    const drawn = may[Math.floor(more.random() * may.length)]!.entry;
    if (drawn !== chosen) return made(drawn, 'explore', explore / may.length);
  }
  // Without a fixed place the means have decided that the head brings P to, and more is to be learnt there than elsewhere.
  const reason = strange ? 'unfamiliar' : reachesFloor(may, choose) ? 'value' : 'floor_unreachable';
  return made(chosen, reason, draws ? 1 - explore + explore / may.length : 1);
}
