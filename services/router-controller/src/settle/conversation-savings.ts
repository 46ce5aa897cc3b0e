/** What a conversation saved by staying where its prompt is cached, or by moving. Pure. */
import { type Target, withReplicas } from '../config/types.ts';
import type { Decision, Usage } from '../request.ts';
import { costOf } from './cost.ts';

export interface ConversationSaving {
  readonly by: 'staying' | 'moving';
  readonly usd: number;
}

function targetWithId({ policy }: Decision, id: string): Target | undefined {
  const targets = [...policy.entries.values()].flatMap(({ routes, fallbacks }) => [
    ...routes.map(({ target }) => target),
    ...fallbacks,
  ]);
  return targets.flatMap(withReplicas).find((target) => target.id === id);
}

/**
 * @param answered who answered, with a price.
 * @returns null for a request of no conversation, for its first turn, and where prices don't tell.
 */
export function conversationSaving(
  decision: Decision,
  answered: Target,
  usage: Usage,
): ConversationSaving | null {
  const { stay } = decision;
  const { price } = answered;
  if (!stay?.pin || !price) return null;
  if (answered.id === stay.pin.answered) {
    const less = price.input - (price.cached_input ?? price.input);
    return { by: 'staying', usd: Math.max(0, (usage.cachedTokens * less) / 1e6) };
  }
  const before = targetWithId(decision, stay.pin.answered);
  const there = before && costOf(before, usage);
  const here = costOf(answered, usage);
  return there == null || here === null ? null : { by: 'moving', usd: Math.max(0, there - here) };
}
