/** What is remembered for scores: in bounded memory, for a while, by all replicas. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '../decide/index.ts';
import { createMetrics } from '../observe/index.ts';
import type { Caller, RoutedRequest } from '../request.ts';
import { Feedback, type FeedbackRecord } from './feedback.ts';

const caller = { id: 'k', tenant: 'acme', policies: null, targets: null } as Caller;
const request = (id: string, weighed: boolean, status = 200) =>
  ({
    id,
    caller,
    decision: {
      policy: { name: 'auto' },
      ...(weighed && { weighed: { offers: [{ entry: { name: 'small' }, quality: 0.7 }], propensity: 0.5 } }),
    },
    outcome: { target: { name: 'small' }, status },
  }) as unknown as RoutedRequest;
const made = (store: MemoryStore | null = null, config: object = {}) => {
  const notes: FeedbackRecord[] = [];
  const whole = { enabled: true, keep_ms: 60_000, keep: 2, ...config };
  return { notes, feedback: new Feedback(whole, createMetrics(), store, (record) => notes.push(record)) };
};
const score = (requestId: string) => ({ requestId, score: 1, source: 'user' }) as const;

test('the oldest is forgotten first; what failed was never known', async () => {
  const { feedback, notes } = made();
  for (const id of ['a', 'b', 'c']) feedback.remember(request(id, true));
  feedback.remember(request('failed', true, 502));
  await assert.rejects(feedback.take(caller, score('a')), { code: 'request_not_found' });
  await assert.rejects(feedback.take(caller, score('failed')), { code: 'request_not_found' });
  assert.deepEqual((await feedback.take(caller, score('c'))).kept, {
    policy: 'auto',
    target: 'small',
    quality: 0.7,
    propensity: 0.5,
  });
  assert.deepEqual(
    notes.map(({ request_id, score: said, propensity }) => [request_id, said, propensity]),
    [['c', 1, 0.5]],
  );
});

test('another replica knows what a policy of kind value has decided, by the store that both have', async () => {
  const store = new MemoryStore(10);
  made(store).feedback.remember(request('a', true));
  made(store).feedback.remember(request('b', false));
  const other = made(store).feedback;
  assert.equal((await other.take(caller, score('a'))).counted, true);
  await assert.rejects(other.take(caller, score('b')), { code: 'request_not_found' });
  await assert.rejects(other.take({ ...caller, tenant: 'bravo' }, score('a')), { code: 'request_not_found' });
});

test('nothing is remembered where feedback is off', async () => {
  const { feedback } = made(null, { enabled: false });
  feedback.remember(request('a', true));
  feedback.useConfig({ enabled: true, keep_ms: 60_000, keep: 2 });
  await assert.rejects(feedback.take(caller, score('a')), { code: 'request_not_found' });
});
