/** Places and the queue for them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RouterError } from '../errors.ts';
import { createMetrics } from '../observe/index.ts';
import { Gate } from './gate.ts';

const gate = (max_in_flight: number, max_queue: number, max_queue_wait_ms = 60_000, tenant_share = 1) =>
  new Gate({ max_in_flight, max_queue, max_queue_wait_ms, tenant_share }, createMetrics());
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

/** Places that a tenant gets of those that are left, one after the other. */
async function fill(subject: Gate, tenant: string): Promise<(() => void)[]> {
  const places: (() => void)[] = [];
  for (;;) {
    const place = await subject.enter(tenant, signal).catch(() => null);
    if (!place) return places;
    places.push(place);
  }
}

test('one tenant alone may hold most places, and never all: who comes next finds one', async () => {
  for (const [places, held] of [
    [1, 1],
    [4, 3],
    [20, 15],
    [1_024, 768],
  ] as const) {
    const subject = gate(places, 0, 60_000, 0.75);
    const mine = await fill(subject, 'flood');
    assert.equal(mine.length, held, `${places} places`);
    if (places === 1) continue;
    const others = await fill(subject, 'other');
    assert.ok(others.length >= 1, `${places} places`);
    if (places >= 1_000)
      for (let n = 0; n < 3; n++) assert.ok((await fill(subject, `later ${n}`)).length >= 1);
    for (const leave of [...mine, ...others]) leave();
  }
});

test('property: whatever comes and goes, places are neither lost nor made, tenants keep to their share, nobody waits for what is free', async () => {
  const step = fc.record({
    tenant: fc.constantFrom('a', 'b', 'c'),
    leaves: fc.option(fc.nat(30), { nil: null }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(0.5, 0.75, 1),
      fc.array(step, { maxLength: 80 }),
      async (places, share, steps) => {
        const subject = gate(places, 1_000, 60_000, share);
        const held: { tenant: string; leave: () => void }[] = [];
        const waiting: string[] = [];
        const ended: Promise<unknown>[] = [];
        const mine = (tenant: string) => held.filter((each) => each.tenant === tenant).length;
        for (const { tenant, leaves } of steps) {
          if (leaves !== null && held.length > 0) held.splice(leaves % held.length, 1)[0]!.leave();
          else {
            waiting.push(tenant);
            ended.push(
              subject.enter(tenant, signal).then((leave) => {
                waiting.splice(waiting.indexOf(tenant), 1);
                held.push({ tenant, leave });
              }),
            );
          }
          await new Promise(setImmediate);
          assert.equal(subject.inFlight, held.length);
          const free = places - held.length;
          assert.ok(free >= 0);
          for (const each of waiting)
            assert.ok(
              free === 0 || (share < 1 && mine(each) >= (share / (1 - share)) * free),
              'it waits in vain',
            );
          if (places >= 4 && share === 0.75)
            for (const each of ['a', 'b', 'c']) assert.ok(mine(each) <= Math.ceil(places * share));
        }
        while (held.length > 0) {
          held.pop()!.leave();
          await new Promise(setImmediate);
        }
        await Promise.all(ended);
        assert.equal(waiting.length, 0);
        assert.equal(subject.inFlight, 0);
      },
    ),
    { numRuns: 100 },
  );
});
