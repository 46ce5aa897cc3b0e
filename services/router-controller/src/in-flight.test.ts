import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InFlight } from './in-flight.ts';

test('what is removed is there no more, and its place is used again', () => {
  const inFlight = new InFlight<{ readonly name: string }>();
  const names = () => [...inFlight].map(({ name }) => name).sort();
  const a = inFlight.add({ name: 'a' });
  const b = inFlight.add({ name: 'b' });
  inFlight.add({ name: 'c' });
  assert.deepEqual([inFlight.size, names()], [3, ['a', 'b', 'c']]);
  inFlight.remove(b);
  assert.deepEqual([inFlight.size, names()], [2, ['a', 'c']]);
  assert.equal(inFlight.add({ name: 'd' }), b);
  inFlight.remove(a);
  inFlight.remove(b);
  assert.deepEqual([inFlight.size, names()], [1, ['c']]);
});

test('the same thing may be under way twice', () => {
  const inFlight = new InFlight<object>();
  const thing = {};
  const first = inFlight.add(thing);
  inFlight.add(thing);
  inFlight.remove(first);
  assert.deepEqual([inFlight.size, [...inFlight]], [1, [thing]]);
});
