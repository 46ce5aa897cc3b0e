/** Calls by gRPC that can't begin. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KServeGrpcClient } from './kserve-grpc.ts';
import { ClassifierError } from './model-client.ts';
import { DESCRIPTION } from './testing.ts';

test('a call on a channel that was closed fails as one that nobody answers, and leaves no deadline behind', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const client = new KServeGrpcClient('127.0.0.1:1', 'm');
  client.close();
  await assert.rejects(
    client.infer(['x'], DESCRIPTION, { deadlineMs: 50 }),
    (error) => error instanceof ClassifierError && error.reason === 'unavailable',
  );
  // A deadline that still ran would cancel a call that there never was, outside of everything that catches.
  assert.doesNotThrow(() => context.mock.timers.tick(1_000));
});
