/** Faults that a stand-in can be told to have: by request header, by model name, or from inside a test. */

export type Fault =
  | { readonly kind: 'refuse' } // closes the connection without a byte
  | { readonly kind: 'reset' } // the same by TCP reset
  | { readonly kind: 'stall-before-headers' }
  | { readonly kind: 'headers-only' } // headers, then silence
  | { readonly kind: 'stall-after-headers' } // headers and the first words, then silence
  | { readonly kind: 'stall-in-stream'; readonly after: number } // goes silent after so many content events
  | { readonly kind: 'cut'; readonly bytes: number } // closes after so many body bytes
  | { readonly kind: 'truncate'; readonly after: number } // ends cleanly after so many content events
  | { readonly kind: 'error-in-stream'; readonly after: number } // an error event after so many content events
  | { readonly kind: 'garbage-sse' } // a 200 whose body is neither SSE nor JSON
  | { readonly kind: 'slow-drip'; readonly ms: number } // so long between events
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter: string | null }
  | { readonly kind: 'huge-headers' }
  | { readonly kind: 'wrong-content-length' } // promises more than it sends
  | { readonly kind: 'garbage-status' } // a status line no HTTP client accepts
  | { readonly kind: 'no-stream' } // plain JSON to a request for a stream
  | { readonly kind: 'gzip' } // compresses though asked not to
  | { readonly kind: 'no-stream-options' }; // 400 to any stream_options

export type FaultKind = Fault['kind'];

const SIMPLE = [
  'refuse',
  'reset',
  'stall-before-headers',
  'headers-only',
  'stall-after-headers',
  'garbage-sse',
  'huge-headers',
  'wrong-content-length',
  'garbage-status',
  'no-stream',
  'gzip',
  'no-stream-options',
] as const;

const WITH_VALUES =
  'stall-in-stream:EVENTS, cut:BYTES, truncate:EVENTS, error-in-stream[:EVENTS], slow-drip:MS, status:CODE[:RETRY_AFTER]';

/**
 * Reads `kind[:value[:value]]`, for example `status:429:2` or `cut:120`.
 *
 * @throws Error that lists the kinds.
 */
export function parseFault(text: string): Fault {
  const [given, value, more] = text.trim().split(':');
  const kind = given === 'garbage' ? 'garbage-sse' : given;
  const simple = SIMPLE.find((name) => name === kind);
  if (simple) return { kind: simple };
  const number = Number(value ?? 0);
  if (Number.isInteger(number) && number >= 0) {
    if (kind === 'cut') return { kind, bytes: number };
    if (kind === 'slow-drip') return { kind, ms: number };
    if (kind === 'error-in-stream' || kind === 'truncate' || kind === 'stall-in-stream')
      return { kind, after: number };
    if (kind === 'status' && number >= 200 && number < 600)
      return { kind, status: number, retryAfter: more ?? null };
  }
  throw new Error(`no fault '${text}'; one of: ${SIMPLE.join(', ')}, ${WITH_VALUES}`);
}

/** Where a model name ends and its fault begins: `any/model#fault=cut:120`. */
const IN_MODEL = '#fault=';

/** The fault that a request asks for itself: header first, then model name; null: none. */
export function askedFault(header: string | string[] | undefined, model: unknown): Fault | null {
  if (typeof header === 'string') return parseFault(header);
  const at = typeof model === 'string' ? model.indexOf(IN_MODEL) : -1;
  return at < 0 ? null : parseFault((model as string).slice(at + IN_MODEL.length));
}
