/** What the playground itself says to a browser, in the router's own form of error. */
import type { ServerResponse } from 'node:http';

/** Sent with everything: the page runs its own modules and styles, talks to this server, and is shown in no frame. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // No text ever becomes HTML; the browser holds the page to it.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** A refusal or failure that the browser is told. */
export class PlaygroundError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = 'PlaygroundError';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export function sendError(response: ServerResponse, error: PlaygroundError): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { message, code, status } = error;
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...error.headers })
    .end(JSON.stringify({ error: { message, type, param: null, code } }));
}
