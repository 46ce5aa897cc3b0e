/** The response object: what of the request it repeats, and what an answer makes of it. */
import { randomBytes } from 'node:crypto';
import type { ChatUsage } from '../chat/usage.ts';
import type { ToldError } from '../dialect.ts';
import { given, type Json, objectOf } from '../values.ts';

/** A longer member is not repeated: it would go out three times in a stream. Characters of JSON. */
const REPEATED_CHARS = 16 * 1024;

/** What every version of one response object has in common. */
export function frame(request: Json): Json {
  const repeat = (value: unknown, otherwise: unknown): unknown =>
    given(value) && JSON.stringify(value).length <= REPEATED_CHARS ? value : otherwise;
  const reasoning = objectOf(request.reasoning);
  return {
    id: `resp_${randomBytes(24).toString('hex')}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    background: false,
    instructions: repeat(request.instructions, null),
    max_output_tokens: repeat(request.max_output_tokens, null),
    max_tool_calls: repeat(request.max_tool_calls, null),
    metadata: repeat(request.metadata, {}),
    parallel_tool_calls: repeat(request.parallel_tool_calls, true),
    previous_response_id: null,
    reasoning: { effort: repeat(reasoning.effort, null), summary: repeat(reasoning.summary, null) },
    service_tier: 'default',
    // Nobody keeps it: a chat completion is gone when it is told.
    store: false,
    temperature: repeat(request.temperature, 1),
    text: { format: repeat(objectOf(request.text).format, { type: 'text' }) },
    tool_choice: repeat(request.tool_choice, 'auto'),
    tools: repeat(request.tools, []),
    top_logprobs: repeat(request.top_logprobs, 0),
    top_p: repeat(request.top_p, 1),
    truncation: 'disabled',
    user: repeat(request.user, null),
  };
}

export interface Told {
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed';
  readonly model: unknown;
  readonly output: readonly Json[];
  readonly usage: ChatUsage | null;
  readonly error?: ToldError;
  /** Why it is incomplete. */
  readonly reason?: 'max_output_tokens' | 'content_filter';
}

export function responseObject(common: Json, told: Told): Json {
  const { id, object, created_at, ...rest } = common;
  return {
    id,
    object,
    created_at,
    status: told.status,
    completed_at: told.status === 'completed' ? Math.floor(Date.now() / 1000) : null,
    error: told.error ? { code: errorCode(told.error), message: told.error.message } : null,
    incomplete_details: told.reason ? { reason: told.reason } : null,
    model: told.model ?? null,
    output: told.output,
    ...rest,
    usage: told.usage && usageObject(told.usage),
  };
}

/** A response has error codes of its own. */
function errorCode({ code, type }: ToldError): string {
  const said = `${code ?? ''} ${type ?? ''}`;
  // Agents look for it to make their conversation shorter.
  if (said.includes('context_length_exceeded')) return 'context_length_exceeded';
  return /rate_limit|quota|429/.test(said) ? 'rate_limit_exceeded' : 'server_error';
}

function usageObject({ prompt, cached, completion, reasoning }: ChatUsage): Json {
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: 0 },
    output_tokens: completion,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: prompt + completion,
  };
}
