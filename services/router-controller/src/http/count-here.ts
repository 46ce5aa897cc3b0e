/** Counts a request's tokens in the router, where no target of the decision can be asked. */
import type { Response } from 'express';
import type { RoutedRequest } from '../request.ts';
import type { Settler } from '../settle/index.ts';

/** @param headers the router's own. */
export async function countHere(
  settler: Settler,
  request: RoutedRequest,
  response: Response,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const started = performance.now();
  const { tokens, by } = await settler.countPrompt(request);
  const count = { input_tokens: tokens };
  const { dialect } = request.endpoint;
  // Another model's tokenizer may come to another number: whoever needs to know is told how it was counted.
  response.set({ ...headers, 'x-llm-router-counted-by': by });
  response.json(dialect === 'responses' ? { object: 'response.input_tokens', ...count } : count);
  request.outcome = {
    target: null,
    attempts: [],
    status: 200,
    usage: null,
    charged: null,
    uncounted: null,
    streamed: false,
    incomplete: false,
    firstByteMs: null,
    startedMs: started - request.receivedAt,
    upstreamMs: 0,
    contentEvents: 0,
  };
}
