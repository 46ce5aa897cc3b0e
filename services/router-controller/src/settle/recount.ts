/** Makes an estimated usage a counted one. */
import { promptSample, spendingOf } from '../call/index.ts';
import type { RoutedRequest, Usage } from '../request.ts';
import type { TokenCounter } from './token-counter.ts';

/** What was delivered and its prompt, counted; null when the estimate stands. */
export async function recount(counter: TokenCounter, request: RoutedRequest): Promise<Usage | null> {
  const { outcome, body, raw, config } = request;
  if (!outcome?.uncounted) return null;
  const { around, ...prompt } = promptSample(body);
  const tokens = await counter.count([prompt, outcome.uncounted]);
  if (!tokens) return null;
  const { textlessTokens } = spendingOf(body, raw.bytes.length, config.file.admission.media);
  const [promptTokens, completionTokens] = tokens as readonly [number, number];
  return {
    promptTokens: promptTokens + around + textlessTokens,
    cachedTokens: 0,
    completionTokens,
    source: 'tokenizer',
  };
}
