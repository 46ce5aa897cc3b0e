import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import type { Target } from '../../config/types.ts';
import type { CallObserver } from '../observer.ts';
import { Health } from './health.ts';

const SETTINGS = { failures: 2, openMs: 60_000, openMaxMs: 60_000 };

const target = (model: string) =>
  ({ id: 'a', name: 'a', apiBase: 'http://a', model, timeouts: { connect_ms: 1 } }) as unknown as Target;

function watched() {
  const heard: string[] = [];
  const observer = {
    breakerChanged: (_: Target, state: string) => heard.push(`breaker ${state}`),
    keyChanged: (_: Target, bad: boolean) => heard.push(`key ${bad ? 'bad' : 'good'}`),
  } as unknown as CallObserver;
  return { heard, health: new Health(SETTINGS, observer) };
}

function fail(health: Health, of: Target): void {
  for (let n = 0; n < SETTINGS.failures; n++) health.pass(of, null, () => true)?.end('unreachable');
}

test('what a target in the table says of its key and its breaker is told', async () => {
  const { heard, health } = watched();
  const now = target('m');
  health.keep([now]);
  health.noteKey(now, true, 401);
  fail(health, now);
  await tick();
  assert.deepEqual(heard, ['key bad', 'breaker open']);
});

test('a request that outlived a reload says nothing of a target that has left, begun before or after it', async () => {
  const { heard, health } = watched();
  const [old, now] = [target('old'), target('new')];
  const begun = health.pass(old, null, () => true)!;
  health.keep([now]);
  // The second attempt of such a request asks for a pass anew.
  for (const pass of [begun, ...[1, 2].map(() => health.pass(old, null, () => true)!)])
    pass.end('unreachable');
  health.noteKey(old, true, 401);
  health.noteKey(old, false, 200);
  await tick();
  assert.deepEqual(heard, []);
  assert.deepEqual(health.standing(old), { breaker: 'closed', keyBad: false });
});

test('a target that comes back begins anew', () => {
  const { heard, health } = watched();
  const old = target('old');
  health.noteKey(old, true, 401);
  health.keep([]);
  health.keep([old]);
  assert.equal(health.standing(old).keyBad, false);
  health.noteKey(old, true, 401);
  assert.deepEqual(heard, ['key bad', 'key bad']);
});
