/** Tokens of a call, as reported or as estimated. */
import type { ChatBody, Uncounted, Usage } from '../request.ts';

interface UsageObject {
  prompt_tokens?: unknown;
  completion_tokens?: unknown;
  prompt_tokens_details?: { cached_tokens?: unknown } | null;
}

const count = (value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.round(value) : 0;

/** The `usage` of an answer or stream event; null when it has none. */
export function usageOf(answer: unknown): Usage | null {
  const usage = (answer as { usage?: UsageObject | null } | null)?.usage;
  if (!usage || typeof usage !== 'object') return null;
  const promptTokens = count(usage.prompt_tokens);
  return {
    promptTokens,
    cachedTokens: Math.min(promptTokens, count(usage.prompt_tokens_details?.cached_tokens)),
    completionTokens: count(usage.completion_tokens),
    source: 'upstream',
  };
}

/**
 * UTF-8 bytes a token has on average: four letters of English, a character and a third of Chinese. Good enough until
 * the answer has been counted, and where it can't be.
 */
export const BYTES_PER_TOKEN = 4;

export function estimateUsage(
  promptTokens: number,
  contentEvents: number,
  { bytes }: Pick<Uncounted, 'bytes'>,
): Usage {
  const completionTokens = contentEvents === 0 ? 0 : Math.max(1, Math.ceil(bytes / BYTES_PER_TOKEN));
  return { promptTokens, cachedTokens: 0, completionTokens, source: 'estimate' };
}

/** True when the router asks for the usage of a stream on its own account and hides the chunk that it causes. */
export function asksForUsage(body: ChatBody): boolean {
  if (body.stream !== true) return false;
  const options = body.stream_options as { include_usage?: unknown } | null | undefined;
  // An explicit false is the client's word; anything else that is no boolean is for the upstream to judge.
  return (
    options === undefined ||
    options === null ||
    (typeof options === 'object' && !Array.isArray(options) && options.include_usage === undefined)
  );
}
