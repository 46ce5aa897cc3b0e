/** Token counts of a chat answer in the parts that other dialects tell. */
import { countOf, isObject, objectOf } from '../values.ts';

export interface ChatUsage {
  /** All of the prompt, cached ones included. */
  readonly prompt: number;
  readonly cached: number;
  readonly completion: number;
  /** Of the completion. */
  readonly reasoning: number;
}

/** @returns null where the answer tells none. */
export function chatUsage(usage: unknown): ChatUsage | null {
  if (!isObject(usage)) return null;
  const prompt = countOf(usage.prompt_tokens);
  const cached =
    countOf(objectOf(usage.prompt_tokens_details).cached_tokens) ||
    countOf(usage.prompt_cache_hit_tokens) ||
    countOf(usage.cached_tokens);
  const completion = countOf(usage.completion_tokens);
  const reasoning = countOf(objectOf(usage.completion_tokens_details).reasoning_tokens);
  return {
    prompt,
    cached: Math.min(prompt, cached),
    completion,
    reasoning: Math.min(completion, reasoning),
  };
}
