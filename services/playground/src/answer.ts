/** What the playground itself says to a browser, in the router's own form of error. */
import type { ServerResponse } from 'node:http';

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
