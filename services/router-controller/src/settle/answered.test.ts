import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answered, type Kept } from './answered.ts';

const kept = (target: string, quality: number | null = null): Kept => ({
  policy: 'auto',
  target,
  quality,
  propensity: quality,
});
const HOUR = 3_600_000;

test('as many as fit are known, also while it grows and when it has come round; older ones are not', () => {
  for (const most of [1, 3, 1_024, 1_500, 5_000]) {
    const answered = new Answered(most, HOUR);
    for (let round = 0; round < 2 * most + 1; round++) {
      answered.add('acme', `id-${round}`, kept(`t${round % 7}`));
      assert.equal(answered.find('acme', `id-${round}`)?.target, `t${round % 7}`);
      const oldest = round - most + 1;
      if (round % 97 !== 0) continue;
      if (oldest >= 0) assert.equal(answered.find('acme', `id-${oldest}`)?.target, `t${oldest % 7}`);
      assert.equal(answered.find('acme', `id-${oldest - 1}`), null);
    }
  }
});

test('each tenant knows its own; of an id that comes again the later answer counts', () => {
  const answered = new Answered(10, HOUR);
  answered.add('acme', 'a', kept('first', 0.25));
  answered.add('acme', 'a', kept('second', 0.75));
  answered.add('bravo', 'a', kept('third'));
  assert.deepEqual(answered.find('acme', 'a'), kept('second', 0.75));
  assert.deepEqual(answered.find('bravo', 'a'), kept('third'));
  assert.equal(answered.find('', 'a'), null);
  // Names that would be one text side by side.
  answered.add('ac', 'b', { ...kept('x'), policy: 'me' });
  answered.add('acm', 'c', { ...kept('x'), policy: 'e' });
  assert.equal(answered.find('ac', 'b')?.policy, 'me');
  assert.equal(answered.find('acm', 'c')?.policy, 'e');
});

test('what is kept ends with its time', (context) => {
  context.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const answered = new Answered(10, 1_000);
  answered.add('acme', 'a', kept('x'));
  context.mock.timers.tick(999);
  assert.ok(answered.find('acme', 'a'));
  context.mock.timers.tick(1);
  assert.equal(answered.find('acme', 'a'), null);
});

test('among many ids each finds its own, by whatever tenants they are', () => {
  const answered = new Answered(50_000, HOUR);
  for (let at = 0; at < 50_000; at++) answered.add(`tenant-${at % 3_000}`, `request-${at}`, kept(`t${at}`));
  for (let at = 0; at < 50_000; at += 501)
    assert.equal(answered.find(`tenant-${at % 3_000}`, `request-${at}`)?.target, `t${at}`);
});
