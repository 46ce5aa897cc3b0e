/** Receives a request's JSON body under the bounds in force. */
import type { Request, Response } from 'express';
import type { RouterConfig } from '../config/types.ts';
import { RouterError } from '../errors.ts';
import { type Held, type RawBody, type ReceiveBounds, receiveJson } from '../receive/index.ts';

export function boundsOf({ file: { server } }: RouterConfig): ReceiveBounds {
  return {
    bodyBytes: server.body_limit_bytes,
    inflateRatio: server.body_inflate_ratio,
    idleMs: server.body_idle_timeout_ms,
    maxDepth: server.body_max_depth,
    maxValues: server.body_max_values,
  };
}

const JSON_TYPE = /^application\/(?:[\w.+-]{1,60}\+)?json\s{0,8}(?:;|$)/i;

export const isJson = (contentType: string) => JSON_TYPE.test(contentType.slice(0, 100));

/**
 * A web page may send other content types across origins without asking, to a router that trusts its loopback.
 *
 * @throws RouterError unsupported_media_type with the header to add
 */
export function requireJson({ headers }: Request): void {
  const type = String(headers['content-type'] ?? '').slice(0, 100);
  if (JSON_TYPE.test(type)) return;
  throw new RouterError(
    'unsupported_media_type',
    `The body must be sent as JSON: add the header 'content-type: application/json' (curl: -H 'content-type: ` +
      `application/json'); it is ${type === '' ? 'absent' : `'${type}'`}`,
  );
}

/** Tells a client that asked (`expect: 100-continue`) to send its body; until here nobody has. */
export function invite(request: Request, response: Response): void {
  if (/^100-continue$/i.test(String(request.headers.expect ?? ''))) response.writeContinue();
}

export function receiveBody(
  request: Request,
  response: Response,
  config: RouterConfig,
  held: Held,
  signal: AbortSignal,
): Promise<RawBody> {
  invite(request, response);
  return receiveJson(request, boundsOf(config), held, signal);
}
