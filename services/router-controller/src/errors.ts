/**
 * Every error a client can get, in one catalogue: code → status, OpenAI type, default words. `docs/reference/errors.md`
 * mirrors it (drift-tested). Status and type follow the OpenAI API, so that stock SDKs map them to their own classes.
 */

import { echo, MAX_ECHO } from './echo.ts';
import { secrets } from './observe/secrets/index.ts';

interface CatalogueRow {
  readonly status: number;
  readonly type: string;
  /** When it happens and what helps; the reference page shows it. */
  readonly help: string;
}

export const ERRORS = {
  invalid_json: {
    status: 400,
    type: 'invalid_request_error',
    help: 'The body is not JSON. The message says where it broke off.',
  },
  invalid_request: {
    status: 400,
    type: 'invalid_request_error',
    help: 'A field is missing or wrong; `param` names it.',
  },
  invalid_api_key: {
    status: 401,
    type: 'invalid_request_error',
    help: 'No key, or one that is unknown, expired or revoked.',
  },
  permission_denied: {
    status: 403,
    type: 'invalid_request_error',
    help: 'The key may not use this policy or target.',
  },
  host_not_allowed: {
    status: 403,
    type: 'invalid_request_error',
    help: 'An open router was called by a name that is not in server.allowed_hosts.',
  },
  policy_not_found: {
    status: 404,
    type: 'invalid_request_error',
    help: 'No policy of that name; the message lists them.',
  },
  model_not_found: {
    status: 404,
    type: 'invalid_request_error',
    help: 'No entry or model of that name in the policy.',
  },
  response_not_found: {
    status: 404,
    type: 'invalid_request_error',
    help: 'No response of that id for this caller: `previous_response_id`, or a path below /v1/responses/.',
  },
  request_not_found: {
    status: 404,
    type: 'invalid_request_error',
    help: 'No answered request of that id is remembered for this caller: POST /v1/feedback.',
  },
  not_found: { status: 404, type: 'invalid_request_error', help: 'No such path.' },
  method_not_allowed: {
    status: 405,
    type: 'invalid_request_error',
    help: 'The path exists, the method does not.',
  },
  request_timeout: { status: 408, type: 'invalid_request_error', help: 'The body did not arrive in time.' },
  request_too_large: {
    status: 413,
    type: 'invalid_request_error',
    help: 'Body over server.body_limit_bytes.',
  },
  unsupported_media_type: {
    status: 415,
    type: 'invalid_request_error',
    help: 'Send application/json, unencoded or gzip/deflate/br/zstd.',
  },
  no_capable_target: {
    status: 400,
    type: 'invalid_request_error',
    help: 'No target of the policy that the key may use can do what the request needs; of the entry where the client named it.',
  },
  context_length_exceeded: {
    status: 400,
    type: 'invalid_request_error',
    help: 'The prompt, or the prompt with the answer asked for, is longer than any target takes. Shorten it, or ask for less.',
  },
  rate_limit_exceeded: {
    status: 429,
    type: 'requests',
    help: 'A limit refused; headers tell which and when to come back.',
  },
  insufficient_quota: { status: 429, type: 'insufficient_quota', help: 'A budget is spent.' },
  client_closed_request: {
    status: 499,
    type: 'client_error',
    help: 'The client left before the answer; in logs only.',
  },
  internal_error: {
    status: 500,
    type: 'server_error',
    help: 'A fault of the router itself; the log has the request id.',
  },
  upstream_error: {
    status: 502,
    type: 'server_error',
    help: 'No target could be reached, or each broke its answer.',
  },
  upstream_bad_credentials: {
    status: 502,
    type: 'server_error',
    help: 'The router’s own key was refused upstream.',
  },
  classifier_unavailable: {
    status: 503,
    type: 'server_error',
    help: 'No classification in time and no fallback entry.',
  },
  auth_unavailable: {
    status: 503,
    type: 'server_error',
    help: 'Keys or tokens can’t be checked now: Redis or the identity provider is away.',
  },
  overloaded: {
    status: 503,
    type: 'server_error',
    help: 'Too many requests at once; Retry-After says when.',
  },
  shutting_down: { status: 503, type: 'server_error', help: 'This replica is stopping; try again.' },
  upstream_unavailable: {
    status: 503,
    type: 'server_error',
    help: 'Every target’s circuit breaker is open.',
  },
  limiter_unavailable: {
    status: 503,
    type: 'server_error',
    help: 'Limits can’t be checked and are set to refuse then.',
  },
  upstream_timeout: {
    status: 504,
    type: 'server_error',
    help: 'The upstream did not begin or go on in time.',
  },
} as const satisfies Record<string, CatalogueRow>;

export type ErrorCode = keyof typeof ERRORS;

/** The object that goes out: all four keys, always. */
export interface OpenAiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

interface ErrorOptions {
  readonly param?: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** Longest message of an error, characters: lists of names are in it, and no client's text beyond its echo. */
const MAX_MESSAGE = 4_000;

/** Why a request's signal was aborted: the router gave it up with an error of its own, else the client left. */
export function abortError(signal: AbortSignal, during: string): RouterError {
  if (signal.reason instanceof RouterError) return signal.reason;
  return new RouterError('client_closed_request', `The client closed the request while ${during}`);
}

/** True when the client left, false when nobody did or the router itself gave the request up. */
export const clientLeft = (signal: AbortSignal) => signal.aborted && !(signal.reason instanceof RouterError);

/**
 * An error that is told to the client as it is: one line of bounded length, whatever it repeats.
 *
 * @example
 * throw new RouterError('policy_not_found', "Policy 'x' not found", { param: 'nim-llm-router.policy' });
 */
export class RouterError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  /** Extra response headers, such as retry-after. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(echo(secrets.text(message), MAX_MESSAGE), { cause: options.cause });
    this.name = 'RouterError';
    this.code = code;
    this.status = ERRORS[code].status;
    this.type = options.type ?? ERRORS[code].type;
    this.param = options.param === undefined ? null : echo(options.param, MAX_ECHO);
    this.headers = options.headers ?? {};
  }

  /** The same with further headers; its own come first. */
  withHeaders(headers: Readonly<Record<string, string>>): RouterError {
    return new RouterError(this.code, this.message, {
      type: this.type,
      ...(this.param !== null && { param: this.param }),
      headers: { ...headers, ...this.headers },
      cause: this.cause,
    });
  }

  toBody(): OpenAiErrorBody {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code } };
  }
}
