import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RedisVisit } from './visit.ts';

test('calls at the same time are one wait', () => {
  const visit = new RedisVisit();
  const now = performance.now();
  visit.begin(now - 50);
  visit.begin(now - 20);
  visit.end();
  assert.ok(visit.waitedMs >= 50 && visit.waitedMs < 1_000);
  visit.end();
  const waited = visit.waitedMs;
  assert.ok(waited >= 50);
  assert.equal(visit.waitedMs, waited);
});

test('a call that was ended by its time limit has taken all of it, whatever the clock says', () => {
  const visit = new RedisVisit();
  visit.begin(performance.now());
  visit.end(1_000);
  assert.ok(visit.waitedMs >= 1_000);
});
