/** Everything that can go wrong under express, as an OpenAI error. */
import type { NextFunction, Request, Response } from 'express';
import { messagesError } from '../dialects/index.ts';
import { RouterError } from '../errors.ts';
import type { Logger } from '../observe/index.ts';
import { requestIdOf } from './arrival.ts';

interface BodyParserError {
  readonly type?: string;
  readonly status?: number;
  readonly message?: string;
  readonly limit?: number;
}

/** body-parser's and express' own errors by their `type`. */
export function toRouterError(error: unknown): RouterError {
  if (error instanceof RouterError) return error;
  const { type, status, message, limit } = (error ?? {}) as BodyParserError;
  switch (type) {
    case 'entity.parse.failed':
      return new RouterError('invalid_json', `The body is not valid JSON: ${message}`);
    // Of paths whose limit is fixed (the admin API's); bodies for models are read by our own reader, which names the setting.
    case 'entity.too.large':
      return new RouterError('request_too_large', `The body is larger than ${limit} bytes, the most here`);
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new RouterError('unsupported_media_type', `${message}`);
    case 'request.aborted':
      return new RouterError(
        'client_closed_request',
        'The client closed the request while it was being received',
      );
    case 'request.size.invalid':
    case 'stream.encoding.set':
      return new RouterError('invalid_request', `${message}`);
  }
  if (status !== undefined && status >= 400 && status < 500) {
    return new RouterError('invalid_request', message ?? 'The request could not be read');
  }
  return new RouterError('internal_error', 'The router failed on this request; its log has the request id', {
    cause: error,
  });
}

/** Bytes and time of a body that nobody reads, taken so that a client which is still sending gets to its answer. */
const LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 500;

/** Anthropic's clients are told in their own words. */
const MESSAGES = /^\/(?:v1\/)?messages(?:\/|$)/i;

function bodyOf(response: Response, error: RouterError): object {
  if (!MESSAGES.test(response.req.path)) return error.toBody();
  return messagesError(error.status, error.toBody().error, requestIdOf(response) ?? '');
}

/** Sends an error. Where the body has not come whole, the connection ends with it, and no more than a little is taken. */
export function sendError(response: Response, error: RouterError): void {
  if (response.headersSent || response.destroyed) {
    response.end();
    return;
  }
  const request = response.req;
  response.status(error.status).set(error.headers);
  if (request.complete || !expectsBody(request)) {
    response.json(bodyOf(response, error));
    return;
  }
  const text = Buffer.from(JSON.stringify(bodyOf(response, error)));
  response.set({ 'content-type': 'application/json; charset=utf-8', 'content-length': String(text.length) });
  // A client that waits for `100 Continue` sends nothing once it has its answer.
  if (request.headers.expect !== undefined || Number(request.headers['content-length'] ?? 0) <= SMALL_BYTES) {
    response.end(text);
    return;
  }
  response.set('connection', 'close');
  response.write(text);
  let taken = 0;
  const finish = () => {
    clearTimeout(timer);
    request.off('data', onData).off('end', finish).off('close', finish);
    response.end();
  };
  const onData = (chunk: Buffer) => {
    taken += chunk.length;
    if (taken > LINGER_BYTES) finish();
  };
  const timer = setTimeout(finish, LINGER_MS);
  request.on('data', onData).on('end', finish).on('close', finish).resume();
}

/** A body that is this short is taken whole, and its connection goes on. */
const SMALL_BYTES = 64 * 1024;

const expectsBody = ({ headers }: Request) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

export function errorHandler(log: Logger) {
  return (raised: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const error = toRouterError(raised);
    if (error.status === 500)
      log.error('internal error', { request_id: requestIdOf(response), error: error.cause });
    sendError(response, error);
  };
}
