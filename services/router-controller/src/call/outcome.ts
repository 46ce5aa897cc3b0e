/** How an attempt ended, from errors and statuses; and what may be tried after it. */
import type { AttemptOutcome } from '../request.ts';

/** Thrown inside an attempt when one of its time limits ends it. */
export class AttemptTimeout extends Error {
  readonly outcome: AttemptOutcome;

  constructor(outcome: AttemptOutcome, message: string) {
    super(message);
    this.name = 'AttemptTimeout';
    this.outcome = outcome;
  }
}

const TLS = /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO)/;

/** The deepest cause that has a code: the SDK wraps what undici threw. */
export function rootCause(error: unknown): { code: string; message: string } {
  let message = error instanceof Error ? error.message : String(error);
  let code = '';
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') code = at.code;
    if (at.message) message = at.message;
  }
  return { code, message };
}

export function outcomeOfError(error: unknown): AttemptOutcome {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof AttemptTimeout) return at.outcome;
  const { code } = rootCause(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return 'timeout_connect';
  if (TLS.test(code)) return 'tls_error';
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' || code.startsWith('UND_ERR_RES'))
    return 'protocol_error';
  return 'connect_error';
}

export function outcomeOfStatus(status: number): AttemptOutcome {
  if (status < 400) return 'ok';
  if (status === 401 || status === 402 || status === 403) return 'bad_credentials';
  if (status === 404 || status === 410) return 'model_retired';
  if (status === 408) return 'status_408';
  if (status === 409) return 'status_409';
  if (status === 429) return 'status_429';
  return status >= 500 ? 'status_5xx' : 'status_4xx';
}

/** Outcomes after which another target is asked. `status_4xx` is the client's own fault and goes back as it is. */
export const FALLS_BACK: ReadonlySet<AttemptOutcome> = new Set([
  'connect_error',
  'tls_error',
  'timeout_connect',
  'timeout_first_byte',
  'timeout_idle',
  'timeout_total',
  'status_408',
  'status_409',
  'status_429',
  'status_5xx',
  'bad_credentials',
  'model_retired',
  'error_event',
  'cut',
  'protocol_error',
  'breaker_open',
  'limited',
  'incapable',
]);

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
