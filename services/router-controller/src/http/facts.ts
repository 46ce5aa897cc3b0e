/** What is known of a request before it is labelled. */
import type { IncomingHttpHeaders } from 'node:http';
import type { RouterConfig } from '../config/types.ts';
import { speechNeed, type Translation } from '../dialects/index.ts';
import type { ChatBody, Endpoint } from '../request.ts';
import { type RequestFacts, understand } from '../understand/index.ts';

/**
 * @param own the body in the words in which it came.
 * @param view the same as a chat completion; null: it is one.
 */
export function factsFor(
  { file }: RouterConfig,
  endpoint: Endpoint,
  headers: IncomingHttpHeaders,
  own: ChatBody,
  view: Translation | null,
): RequestFacts {
  const path = endpoint.onlyAt ? `/v1/${endpoint.dialect}` : endpoint.path;
  const facts = understand({ body: own, path, headers }, { prompt: file.prompt, identity: file.identity });
  // What is only counted may be too long to be answered.
  const short = endpoint.counts ? { context_tokens: 0, prompt_tokens: 0, answer_tokens: 0 } : {};
  return { ...facts, needs: { ...facts.needs, ...short, speech: speechNeed(endpoint, view) } };
}
