/** Faults that a stand-in can be told to have, by the header `x-stand-in-fault` or from inside a test. */

export type Fault =
  | { readonly kind: 'refuse' } // closes the connection without a byte
  | { readonly kind: 'stall-before-headers' }
  | { readonly kind: 'stall-after-headers' }
  | { readonly kind: 'cut'; readonly bytes: number } // closes after so many body bytes
  | { readonly kind: 'error-in-stream'; readonly after: number } // an error event after so many content events
  | { readonly kind: 'garbage' } // a 200 whose body is no SSE and no JSON
  | { readonly kind: 'slow-drip'; readonly ms: number } // so long between events
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter: string | null }
  | { readonly kind: 'huge-headers' }
  | { readonly kind: 'wrong-content-length' };

const SIMPLE = [
  'refuse',
  'stall-before-headers',
  'stall-after-headers',
  'garbage',
  'huge-headers',
  'wrong-content-length',
] as const;

/**
 * Reads `kind[:value[:value]]`, for example `status:429:2` or `cut:120`.
 *
 * @throws Error that lists the kinds.
 */
export function parseFault(text: string): Fault {
  const [kind, value, more] = text.split(':');
  const simple = SIMPLE.find((name) => name === kind);
  if (simple) return { kind: simple };
  const number = Number(value ?? 0);
  if (kind === 'cut') return { kind, bytes: number };
  if (kind === 'slow-drip') return { kind, ms: number };
  if (kind === 'error-in-stream') return { kind, after: number };
  if (kind === 'status') return { kind, status: number, retryAfter: more ?? null };
  throw new Error(
    `no fault '${text}'; one of: ${SIMPLE.join(', ')}, cut:BYTES, slow-drip:MS, error-in-stream:EVENTS, status:CODE[:RETRY_AFTER]`,
  );
}
