/** How an attempt ended, from errors and statuses; and what may be tried after it. */
import type { AttemptOutcome } from '../../request.ts';

/** Thrown inside an attempt when one of its time limits ends it. */
export class AttemptTimeout extends Error {
  readonly outcome: AttemptOutcome;

  constructor(outcome: AttemptOutcome, message: string) {
    super(message);
    this.name = 'AttemptTimeout';
    this.outcome = outcome;
  }
}

const TLS = /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|EPROTO)/;
const PROTOCOL = /^(?:HPE_|UND_ERR_HEADERS_OVERFLOW|UND_ERR_RES|UND_ERR_INFO)/;

/** The deepest cause that has a code: the SDK wraps what undici threw. */
export function rootCause(error: unknown): { code: string; message: string } {
  let message = error instanceof Error ? error.message : String(error);
  let code = '';
  const visit = (at: unknown) => {
    for (let depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
      if ('code' in at && typeof at.code === 'string') code = at.code;
      if (at.message) message = at.message;
      // A host with several addresses fails with one error for each.
      if (at instanceof AggregateError && at.errors.length > 0) visit(at.errors[0]);
    }
  };
  visit(error);
  return { code, message };
}

export function outcomeOfError(error: unknown): AttemptOutcome {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof AttemptTimeout) return at.outcome;
  const { code } = rootCause(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return 'timeout_connect';
  if (TLS.test(code)) return 'tls_error';
  return PROTOCOL.test(code) ? 'protocol_error' : 'connect_error';
}

/**
 * An error in words for the client: the code says what happened; addresses and names inside the operator's network
 * stay in the log.
 */
export function describeError(error: unknown): string {
  if (error instanceof AttemptTimeout) return error.message;
  const { code } = rootCause(error);
  const because = code === '' ? '' : ` (${code})`;
  switch (outcomeOfError(error)) {
    case 'timeout_connect':
      return 'the connection was not made in time';
    case 'tls_error':
      return `no trusted TLS connection${because}`;
    case 'protocol_error':
      return `its answer is no valid HTTP${because}`;
    default:
      return `the connection failed${because}`;
  }
}

/**
 * Redirects are refused: a key must not follow them to another host, and 1xx never arrive here. A 402, 403 or 404 speaks of
 * the request until its body, or other requests, say otherwise.
 */
export function outcomeOfStatus(status: number): AttemptOutcome {
  if (status < 200 || (status >= 300 && status < 400) || status > 599) return 'protocol_error';
  if (status < 300) return 'ok';
  if (status === 401) return 'bad_credentials';
  if (status === 402 || status === 403 || status === 404) return 'refused';
  if (status === 410) return 'model_retired';
  if (status === 408) return 'status_408';
  if (status === 409) return 'status_409';
  if (status === 429) return 'status_429';
  return status >= 500 ? 'status_5xx' : 'status_4xx';
}

/** Outcomes after which no other target is asked: the request itself is at fault, or nobody waits any more. */
const ENDS: ReadonlySet<AttemptOutcome> = new Set(['ok', 'status_4xx', 'aborted']);

export const fallsBack = (outcome: AttemptOutcome) => !ENDS.has(outcome);

/** Outcomes after which the same target may be asked again: it may well answer the next time. */
export const RETRIES: ReadonlySet<AttemptOutcome> = new Set([
  'connect_error',
  'timeout_connect',
  'timeout_first_byte',
  'timeout_idle',
  'status_408',
  'status_409',
  'status_429',
  'status_5xx',
  'error_event',
  'cut',
  'protocol_error',
]);

/** Outcomes that speak against the target's health and count for its breaker. */
export const UNHEALTHY: ReadonlySet<AttemptOutcome> = new Set([
  'connect_error',
  'tls_error',
  'timeout_connect',
  'timeout_first_byte',
  'timeout_idle',
  'timeout_total',
  'status_5xx',
  'error_event',
  'cut',
  'protocol_error',
]);

/** Outcomes where no request was sent, so that they take nothing from the budget of attempts. */
export const UNSENT: ReadonlySet<AttemptOutcome> = new Set(['breaker_open', 'limited', 'incapable']);

/** No request can cause these: they come before the upstream has read one. */
const UNREACHABLE =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|UND_ERR_PRX_\w+)$/;

/** What an attempt that failed says of the target's health. */
export function verdictOf(outcome: AttemptOutcome, cause: unknown): 'unreachable' | 'unhealthy' | null {
  if (!UNHEALTHY.has(outcome)) return null;
  if (outcome === 'tls_error' || outcome === 'timeout_connect') return 'unreachable';
  return outcome === 'connect_error' && UNREACHABLE.test(rootCause(cause).code) ? 'unreachable' : 'unhealthy';
}
