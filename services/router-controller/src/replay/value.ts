/** Pure: another setting, or other prices, over what a policy of kind value has logged. */
import type { Entry, Policy } from '../config/types.ts';
import { type CostShares, costOfTokens, weigh } from '../decide/index.ts';
import type { Offer, Usage } from '../request.ts';
import type { DecisionRecord, LoggedValue } from '../settle/index.ts';

export interface ReplayedValue {
  readonly entry: Entry;
  /** P of the entry that would be chosen. */
  readonly quality: number;
  /** P of a target by the log; undefined: the log has none. */
  readonly qualityOf: (target: string) => number | undefined;
  /** What the entry's target would have used: the log's prompt, and an answer as much longer or shorter as was expected. */
  readonly usageAt: (record: DecisionRecord, usage: Usage) => Usage;
}

/**
 * @param shares remembers this request for `cost_share` of the ones after it.
 * @returns null: none of the policy's targets is in the log, or none might be asked.
 */
export function replayValue(
  policy: Policy,
  { extra_scores }: Pick<DecisionRecord, 'extra_scores'>,
  { targets, choose, own, familiarity }: LoggedValue,
  shares: CostShares,
): ReplayedValue | null {
  const logged = new Map(targets.map((each) => [each.target, each]));
  const offers = [...policy.entries.values()].flatMap((entry): Offer[] => {
    const known = logged.get(entry.name);
    const price = entry.routes[0]?.target.price;
    if (!known || !price) return [];
    const tokens = {
      inputTokens: known.input_tokens,
      cachedTokens: known.cached_tokens,
      outputTokens: known.output_tokens,
    };
    const estimate = { ...tokens, usd: costOfTokens(price, tokens) };
    return [{ entry, quality: known.quality, estimate, why: known.why }];
  });
  if (!offers.some(({ why }) => why === null)) return null;
  const [[by, at]] = Object.entries(choose) as [[keyof LoggedValue['choose'], number]];
  const { entry } = weigh({
    policy,
    classification: { extraScores: familiarity === null ? extra_scores : { ...extra_scores, familiarity } },
    offers,
    // A request's own setting is its own under any table.
    choose: own ? { by, at } : null,
    goesOn: true,
    willingness: (share) => shares.willingness(policy, share, offers),
    random: () => 1,
  });
  shares.note(policy, offers);
  return {
    entry,
    quality: logged.get(entry.name)!.quality,
    qualityOf: (target) => logged.get(target)?.quality,
    usageAt: ({ target }, usage) => {
      const here = logged.get(entry.name)!;
      const there = logged.get(target ?? '');
      if (!there || there === here) return usage;
      const ratio = here.output_tokens / Math.max(1, there.output_tokens);
      return { ...usage, cachedTokens: here.cached_tokens, completionTokens: usage.completionTokens * ratio };
    },
  };
}
