/** For the tests of clients. */
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import type { ModelDescription } from './model-client.ts';

/** A model of two labels that takes one text at a time and tells nothing but OUTPUT. */
export const DESCRIPTION: ModelDescription = {
  version: '1',
  labels: ['A', 'B'],
  size: 2,
  maxBatch: 1,
  hasTokenCount: false,
  tokenLimit: null,
  scoreNames: [],
};

/** @returns the port on which it listens now, in clear. */
export const listen = (server: Server, address = '127.0.0.1:0'): Promise<number> =>
  new Promise((resolve, reject) =>
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
