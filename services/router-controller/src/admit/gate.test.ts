/** Places and the queue for them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../errors.ts';
import { createMetrics } from '../observe/index.ts';
import { Gate } from './gate.ts';

const gate = (max_in_flight: number, max_queue: number, max_queue_wait_ms = 60_000) =>
  new Gate({ max_in_flight, max_queue, max_queue_wait_ms }, createMetrics());
const { signal } = new AbortController();
const overloaded = (error: unknown) =>
  error instanceof RouterError && error.code === 'overloaded' && error.headers['retry-after'] === '1';

test('tenants are served in turn: a flood that came first waits behind itself', async () => {
  const subject = gate(1, 10);
  let leave = await subject.enter('flood', signal);
  const order: string[] = [];
  const enter = (tenant: string) =>
    subject.enter(tenant, signal).then((given) => {
      order.push(tenant);
      leave = given;
    });
  const all = ['flood', 'flood', 'flood', 'flood', 'small', 'other', 'small'].map(enter);
  for (const _ of all) {
    leave();
    await new Promise(setImmediate);
  }
  await Promise.all(all);
  assert.deepEqual(order, ['flood', 'small', 'other', 'flood', 'small', 'flood', 'flood']);
});

test('the queue is bounded in length and in time', async () => {
  const subject = gate(1, 1, 20);
  const leave = await subject.enter('a', signal);
  const waiting = subject.enter('a', signal);
  await assert.rejects(subject.enter('b', signal), overloaded);
  await assert.rejects(waiting, overloaded);
  leave();
  assert.equal(subject.inFlight, 0);
  (await subject.enter('a', signal))();
});

test('a flood that fills the queue gives way to tenants with fewer waiting, and they to nobody', async () => {
  const subject = gate(1, 4);
  const leave = await subject.enter('flood', signal);
  const flood = Array.from({ length: 4 }, () => subject.enter('flood', signal));
  const refused = Promise.allSettled(flood);
  const small = [subject.enter('small', signal), subject.enter('small', signal)];
  await assert.rejects(subject.enter('small', signal), overloaded);
  await assert.rejects(subject.enter('flood', signal), overloaded);
  const done = [...flood, ...small].map((each) => each.then((go) => go()).catch(() => {}));
  leave();
  await Promise.all(done);
  assert.deepEqual(
    (await refused).map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
  );
  await Promise.all(small);
  assert.equal(subject.inFlight, 0);
});

test('who leaves the queue gives its place in it to another', async () => {
  const subject = gate(1, 1);
  const leave = await subject.enter('a', signal);
  const leaving = new AbortController();
  const waiting = subject.enter('a', leaving.signal);
  leaving.abort();
  await assert.rejects(waiting, { code: 'client_closed_request' });
  const next = subject.enter('b', signal);
  leave();
  leave();
  (await next)();
  assert.equal(subject.inFlight, 0);
});
