/** Tokens of a call: as the upstream reports them, as far as that is believed, else as estimated. */
import type { Target } from '../config/types.ts';
import type { ChatBody, Uncounted, Usage } from '../request.ts';

/** The names that OpenAI's chat and Responses APIs, Anthropic, DeepSeek and Kimi have for the same numbers. */
interface UsageObject {
  readonly prompt_tokens?: unknown;
  readonly completion_tokens?: unknown;
  readonly input_tokens?: unknown;
  readonly output_tokens?: unknown;
  readonly total_tokens?: unknown;
  readonly prompt_tokens_details?: { readonly cached_tokens?: unknown } | null;
  readonly input_tokens_details?: { readonly cached_tokens?: unknown } | null;
  readonly prompt_cache_hit_tokens?: unknown;
  readonly cached_tokens?: unknown;
  readonly cache_read_input_tokens?: unknown;
  readonly cache_creation_input_tokens?: unknown;
}

/** What an upstream says; counts that are no whole numbers from 0 are NaN. Nobody has judged it: see {@link believe}. */
export interface ReportedUsage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

const said = (value: unknown) => value !== undefined && value !== null;
const count = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : Number.NaN;
const countOr0 = (value: unknown) => count(value) || 0;

/** Reads a `usage` object in any of its spellings; null when it tells too little to go by, or that nothing was used. */
export function readUsage(given: unknown): ReportedUsage | null {
  if (given === null || typeof given !== 'object') return null;
  const usage = given as UsageObject;
  const cached = Math.max(
    countOr0(usage.prompt_tokens_details?.cached_tokens),
    countOr0(usage.input_tokens_details?.cached_tokens),
    countOr0(usage.prompt_cache_hit_tokens),
    countOr0(usage.cached_tokens),
    countOr0(usage.cache_read_input_tokens),
  );
  let prompt = said(usage.prompt_tokens) ? count(usage.prompt_tokens) : null;
  if (prompt === null && said(usage.input_tokens)) {
    // Anthropic's input tokens are those beside the cache; the Responses API's are all.
    const beside = [usage.cache_read_input_tokens, usage.cache_creation_input_tokens].filter(said);
    prompt = beside.reduce<number>((sum, each) => sum + count(each), count(usage.input_tokens));
  }
  const answer = usage.completion_tokens ?? usage.output_tokens;
  let completion = said(answer) ? count(answer) : null;
  // Some tell one of the two and the sum; embeddings have no answer.
  const total = said(usage.total_tokens) ? count(usage.total_tokens) : null;
  if (prompt !== null && completion === null && total !== null) completion = total - prompt;
  if (completion !== null && prompt === null && total !== null) prompt = total - completion;
  if (prompt === null || completion === null || prompt + completion === 0) return null;
  return { promptTokens: prompt, cachedTokens: Math.min(prompt, cached), completionTokens: completion };
}

/** The `usage` of an answer or stream event; null when it has none. */
export function usageOf(answer: unknown): ReportedUsage | null {
  const body = answer as {
    readonly usage?: unknown;
    readonly x_groq?: { readonly usage?: unknown } | null;
    readonly response?: { readonly usage?: unknown } | null;
  } | null;
  return readUsage(body?.usage ?? body?.x_groq?.usage ?? body?.response?.usage);
}

/**
 * Most tokens that a report may name for the prompts, and for the answers, of one call.
 *
 * @param answers how many were asked for.
 * @param most where the target's context is not known.
 */
export const usageCeiling = ({ capabilities }: Target, answers: number, most: number): number =>
  Math.min(most, (capabilities.context_tokens ?? most) * answers);

/** The report as usage, where its numbers can be; else null and what is wrong with it. */
export function believe(
  report: ReportedUsage | null,
  ceiling: number,
): { readonly usage: Usage | null; readonly doubt: string | null } {
  if (report === null) return { usage: null, doubt: null };
  for (const name of ['promptTokens', 'completionTokens'] as const) {
    const tokens = report[name];
    if (tokens >= 0 && tokens <= ceiling) continue;
    const what = name === 'promptTokens' ? 'prompt' : 'answer';
    return { usage: null, doubt: `its tokens of the ${what} are no whole number from 0 to ${ceiling}` };
  }
  return { usage: { ...report, source: 'upstream' }, doubt: null };
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

const isObject = (value: unknown): value is object =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/**
 * True when the router asks for the usage of a stream on its own account: whenever the client did not ask itself in so many
 * words, because what is not known can't be charged. The event that only this causes must then be hidden from the client.
 */
export function asksForUsage(body: ChatBody): boolean {
  // Some upstreams take "true" or 1 for true.
  if (!body.stream) return false;
  const options = body.stream_options;
  return !(isObject(options) && (options as { include_usage?: unknown }).include_usage === true);
}
