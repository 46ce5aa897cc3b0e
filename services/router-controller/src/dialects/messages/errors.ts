/** Errors as the Messages API tells them. */
import type { ToldError } from '../dialect.ts';
import type { Json } from '../values.ts';

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

const OWN = new Set([...Object.values(TYPES), 'invalid_request_error', 'api_error']);

/** Claude Code looks for Anthropic's words to make its conversation shorter. */
function tooLong({ code, message }: ToldError): string | null {
  if (code !== 'context_length_exceeded') return null;
  const limit = /maximum context length is (\d{1,12})/.exec(message)?.[1];
  const asked = /(?:requested|resulted in) (?:about )?(\d{1,12})/.exec(message)?.[1];
  return limit && asked
    ? `prompt is too long: ${asked} tokens > ${limit} maximum`
    : `prompt is too long: ${message}`;
}

/** @param status decides the type; of an error inside a stream that has begun it is 500 unless its code says more. */
export function errorBody(status: number, error: ToldError, requestId?: string): Json {
  const byStatus = TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
  const type = error.type && OWN.has(error.type) && status >= 500 ? error.type : byStatus;
  const code = error.code === null || error.code === undefined ? {} : { code: error.code };
  return {
    type: 'error',
    error: { type, message: tooLong(error) ?? error.message, ...code },
    ...(requestId !== undefined && { request_id: requestId }),
  };
}
