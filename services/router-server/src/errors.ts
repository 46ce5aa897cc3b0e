/** Errors that a caller of the protocol can cause, by what gRPC and HTTP call them. */
export type InferCode =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'UNAVAILABLE'
  | 'CANCELLED'
  | 'INTERNAL'
  | 'UNIMPLEMENTED';

export const HTTP_STATUS: Readonly<Record<InferCode, number>> = {
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  UNAVAILABLE: 503,
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
