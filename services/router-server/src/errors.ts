/** Errors that a caller of the protocol can cause, by what gRPC and HTTP call them. */
export type InferCode =
  | 'INVALID_ARGUMENT'
  | 'PERMISSION_DENIED'
  | 'NOT_FOUND'
  | 'UNAVAILABLE'
  | 'RESOURCE_EXHAUSTED'
  | 'CANCELLED'
  | 'INTERNAL'
  | 'UNIMPLEMENTED';

export const HTTP_STATUS: Readonly<Record<InferCode, number>> = {
  INVALID_ARGUMENT: 400,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  UNAVAILABLE: 503,
  RESOURCE_EXHAUSTED: 413,
  CANCELLED: 499,
  INTERNAL: 500,
  UNIMPLEMENTED: 501,
};

export class InferError extends Error {
  readonly code: InferCode;

  constructor(code: InferCode, message: string) {
    super(message);
    this.name = 'InferError';
    this.code = code;
  }
}

/** Longest text of an error; a gRPC status travels in a header, and names in a request may be of any length. */
const MAX_TEXT = 1_000;

export function errorText(error: unknown): string {
  const text = error instanceof InferError ? error.message : `internal error: ${error}`;
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)} …` : text;
}
