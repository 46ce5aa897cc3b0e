/** Everything that can go wrong under express, as an OpenAI error. */
import type { NextFunction, Request, Response } from 'express';
import { RouterError } from '../errors.ts';
import type { Logger } from '../observe/index.ts';

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
    case 'entity.too.large':
      return new RouterError(
        'request_too_large',
        `The body is larger than ${limit} bytes (server.body_limit_bytes)`,
      );
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

export function sendError(response: Response, error: RouterError): void {
  if (response.headersSent || response.destroyed) {
    response.end();
    return;
  }
  response.status(error.status).set(error.headers).json(error.toBody());
}

export function errorHandler(log: Logger) {
  return (raised: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const error = toRouterError(raised);
    if (error.status === 500)
      log.error('internal error', { request_id: response.getHeader('x-request-id'), error: error.cause });
    sendError(response, error);
  };
}
