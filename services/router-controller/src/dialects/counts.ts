/** Answers that tell how many tokens a request has: `input_tokens`, in OpenAI's API as in Anthropic's. They cost none. */
import type { AnswerReader, Verdict } from './answer-reader.ts';
import { isObject, objectOf, textOf } from './values.ts';

const NOTHING = { texts: [], bytes: 0 };

function whole(json: unknown): Verdict {
  if (!isObject(json)) return { kind: 'none', message: 'sent no JSON object' };
  if (json.error) return { kind: 'error', message: textOf(objectOf(json.error).message) ?? 'no message' };
  if (typeof json.input_tokens !== 'number') return { kind: 'none', message: 'sent no input_tokens' };
  return { kind: 'answer', usage: { prompt_tokens: 0, completion_tokens: 0 }, written: () => NOTHING };
}

/** @param own reads the API's other answers; a count is never streamed. */
export const countAnswers = (own: AnswerReader): AnswerReader => ({
  ...own,
  name: `${own.name} count`,
  whole,
});
