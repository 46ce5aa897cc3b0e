/** What a call will cost, before it is made. Pure. */
import type { Policy, Price, Target } from '../../config/types.ts';
import type { Estimate } from '../../request.ts';
import type { RequestFacts } from '../../understand/index.ts';
import type { Classification } from './choose.ts';

/** UTF-16 units a token has on average. */
const CHARS_PER_TOKEN = 4;
/** Name of a target's score in SCORES of a value head. */
export const outputTokensOf = (target: string) => `output_tokens/${target}`;

export function costOfTokens({ input, cached_input, output }: Price, tokens: Omit<Estimate, 'usd'>): number {
  const fresh = tokens.inputTokens - tokens.cachedTokens;
  return (fresh * input + tokens.cachedTokens * (cached_input ?? input) + tokens.outputTokens * output) / 1e6;
}

/** Null where the target has no price. */
export type Estimator = (target: Target) => Estimate | null;

/**
 * @param said what the head tells of tokens; null: it was not asked, or failed.
 * @param warm name of the target that has the conversation so far in its prompt cache; null: none has.
 */
export function estimator(
  policy: Policy,
  { ask, needs }: Pick<RequestFacts, 'ask' | 'needs'>,
  said: Pick<Classification, 'tokenCount' | 'extraScores'> | null,
  warm: string | null,
): Estimator {
  // The classifier counts the ask alone; the request's own estimate has the turns before it and the tools.
  const inputTokens = Math.max(said?.tokenCount ?? 0, needs.prompt_tokens);
  const before = Math.max(0, inputTokens - Math.ceil(ask.chars / CHARS_PER_TOKEN));
  return ({ name, price }) => {
    if (!price) return null;
    const told = said?.extraScores?.[outputTokensOf(name)] ?? 0;
    const usual =
      typeof policy.answerTokens === 'number' ? policy.answerTokens : (policy.answerTokens[name] ?? 400);
    const expected = told > 0 && Number.isFinite(told) ? told : usual;
    const tokens = {
      inputTokens,
      cachedTokens: name === warm ? before : 0,
      outputTokens: needs.answer_tokens > 0 ? Math.min(expected, needs.answer_tokens) : expected,
    };
    return { ...tokens, usd: costOfTokens(price, tokens) };
  };
}
