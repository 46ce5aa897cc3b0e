/** A prompt that turned out longer than a target takes: what the upstream says of it, and who is asked next. */
import type { Target } from '../../config/types.ts';
import { windowOf } from './capabilities.ts';

const CODES =
  /^(?:context_length_exceeded|string_above_max_length|model_max_prompt_tokens_exceeded|request_too_large)$/i;
const WORDS =
  /\bmaximum context length\b|\bcontext[ _-]?(?:length|window|limit|size)\b[^.]{0,80}\b(?:exceed|too|larger|longer|beyond|over|limit)|\b(?:exceed|larger than|longer than|beyond|over)\w{0,4}\b[^.]{0,80}\b(?:context|max_model_len|maximum (?:input|number of tokens|model length))|\b(?:prompt|input|request|messages?)\b[^.]{0,40}\btoo (?:long|large|many tokens)\b|\btoo many (?:input )?tokens\b|\bmax_model_len\b|\breduce the length of the (?:messages|prompt|input)\b|\binput (?:token count|tokens?)\b[^.]{0,40}\bexceed/i;
const MOST_CHARS = 4_000;

/**
 * Whether an upstream's error answer says that prompt and answer don't fit its model.
 *
 * @param body the answer's JSON, or its text.
 */
export function saysContextOverflow(body: unknown): boolean {
  if (typeof body === 'string') {
    const text = body.slice(0, MOST_CHARS);
    if (text.trimStart().startsWith('{')) {
      try {
        return saysContextOverflow(JSON.parse(body) as unknown);
      } catch {
        // Its words are left.
      }
    }
    return WORDS.test(text);
  }
  if (typeof body !== 'object' || body === null) return false;
  const { error, message, detail, code, type } = body as Record<string, unknown>;
  if ([code, type].some((each) => typeof each === 'string' && CODES.test(each))) return true;
  if (
    [message, detail, error].some((each) => typeof each === 'string' && WORDS.test(each.slice(0, MOST_CHARS)))
  )
    return true;
  return typeof error === 'object' && saysContextOverflow(error);
}

/** Targets with a larger window than the one that refused, the smallest of them first. */
export function largerThan(refused: Target, larger: readonly Target[]): Target[] {
  const limit = windowOf(refused);
  return larger.filter(
    (target) =>
      target.name !== refused.name &&
      // One that does not say how much it takes may take more, unless the other's size is known no better.
      (limit === Number.POSITIVE_INFINITY ? target.model !== refused.model : windowOf(target) > limit),
  );
}
