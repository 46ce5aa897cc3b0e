/** Makes an estimated usage a counted one. */
import { promptSample, spendingOf } from '../call/index.ts';
import type { RoutedRequest, Usage } from '../request.ts';
import type { TokenCounter } from './token-counter.ts';

/** Tokens of a request's prompt, by the tokenizer, or by the length of its texts where that can't count them. */
export async function countPrompt(
  counter: TokenCounter,
  { body, raw, config }: Pick<RoutedRequest, 'body' | 'raw' | 'config'>,
): Promise<{ readonly tokens: number; readonly by: 'tokenizer' | 'estimate' }> {
  const { admission } = config.file;
  const { promptTokens, textlessTokens } = spendingOf(body, raw.bytes.length, admission.media);
  if (admission.tokenizer === 'none') return { tokens: promptTokens, by: 'estimate' };
  const { around, ...prompt } = promptSample(body);
  const counted = await counter.count([prompt]);
  if (!counted) return { tokens: promptTokens, by: 'estimate' };
  return { tokens: counted[0]! + around + textlessTokens, by: 'tokenizer' };
}

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
