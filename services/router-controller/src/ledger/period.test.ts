/** Days, weeks and months of whoever pays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WEEKDAYS } from '../config/calendar.ts';
import { budgetSchema } from '../config/schema-limits.ts';
import { type Calendar, lastDays, periodAt } from './period.ts';

const told = (calendar: Calendar, at: string) => {
  const { id, from, to } = periodAt(calendar, new Date(at));
  return [id, new Date(from).toISOString(), new Date(to).toISOString()];
};

test('without a zone, days and months are those of UTC, under the names that they had', () => {
  const end = '2026-12-31T23:59:59.999Z';
  assert.deepEqual(told({ period: 'day' }, end), [
    '2026-12-31',
    '2026-12-31T00:00:00.000Z',
    '2027-01-01T00:00:00.000Z',
  ]);
  assert.deepEqual(told({ period: 'month' }, end), [
    '2026-12',
    '2026-12-01T00:00:00.000Z',
    '2027-01-01T00:00:00.000Z',
  ]);
  assert.deepEqual(lastDays(3, new Date('2024-03-01T05:00:00+09:00')), [
    '2024-02-27',
    '2024-02-28',
    '2024-02-29',
  ]);
});

test('a zone’s days end at its own midnight, on the days too on which its clocks change', () => {
  const berlin: Calendar = { period: 'day', time_zone: 'Europe/Berlin' };
  assert.deepEqual(told(berlin, '2026-11-29T23:30:00Z'), [
    '2026-11-30',
    '2026-11-29T23:00:00.000Z',
    '2026-11-30T23:00:00.000Z',
  ]);
  // 23 and 25 hours.
  assert.deepEqual(told(berlin, '2026-03-29T10:00:00Z').slice(1), [
    '2026-03-28T23:00:00.000Z',
    '2026-03-29T22:00:00.000Z',
  ]);
  assert.deepEqual(told(berlin, '2026-10-25T10:00:00Z').slice(1), [
    '2026-10-24T22:00:00.000Z',
    '2026-10-25T23:00:00.000Z',
  ]);
  // In Cairo clocks go from midnight to one: that day begins at one.
  assert.equal(
    told({ period: 'day', time_zone: 'Africa/Cairo' }, '2024-04-26T10:00:00Z')[1],
    '2024-04-25T22:00:00.000Z',
  );
  assert.deepEqual(told({ period: 'month', time_zone: 'Asia/Kolkata' }, '2026-11-30T18:30:00Z'), [
    '2026-12',
    '2026-11-30T18:30:00.000Z',
    '2026-12-31T18:30:00.000Z',
  ]);
});

test('weeks and months begin where they are told to', () => {
  // 29 November 2026 is a Sunday.
  const at = '2026-11-29T12:00:00Z';
  assert.equal(told({ period: 'week' }, at)[0], 'week-of-2026-11-23');
  assert.deepEqual(told({ period: 'week', begins: 'sunday' }, at), [
    'week-of-2026-11-29',
    '2026-11-29T00:00:00.000Z',
    '2026-12-06T00:00:00.000Z',
  ]);
  assert.deepEqual(told({ period: 'month', begins: 15 }, '2027-01-14T23:00:00Z'), [
    'month-of-2026-12-15',
    '2026-12-15T00:00:00.000Z',
    '2027-01-15T00:00:00.000Z',
  ]);
});

const calendars = fc.oneof(
  fc.record({ period: fc.constantFrom('day' as const) }),
  fc.record({ period: fc.constant('week' as const), begins: fc.constantFrom(...WEEKDAYS) }),
  fc.record({ period: fc.constant('month' as const), begins: fc.integer({ min: 1, max: 28 }) }),
);
const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
const moments = fc.integer({ min: Date.UTC(2000), max: Date.UTC(2100) });

test('each moment is in one period, and the next begins where it ends, in every zone', () => {
  fc.assert(
    fc.property(calendars, zones, moments, (calendar, time_zone, at) => {
      const zoned = { ...calendar, time_zone };
      const period = periodAt(zoned, new Date(at));
      assert.ok(period.from <= at && at < period.to);
      const next = periodAt(zoned, new Date(period.to));
      assert.equal(next.from, period.to);
      assert.notEqual(next.id, period.id);
      assert.deepEqual(periodAt(zoned, new Date(period.to - 1)), period);
      assert.deepEqual(periodAt(zoned, new Date(period.from)), period);
    }),
    { numRuns: 300 },
  );
});

test('a zone that there is not, or a beginning that does not fit its period, is refused in words', () => {
  const problems = (more: object) =>
    budgetSchema.safeParse({ name: 'b', usd: 1, ...more }).error?.issues.map(({ message }) => message) ?? [];
  assert.match(problems({ period: 'day', time_zone: 'Mars/Base' }).join(), /no time zone that this machine/);
  for (const more of [
    { period: 'day', begins: 'monday' },
    { period: 'week', begins: 3 },
    { period: 'month', begins: 'monday' },
  ])
    assert.match(problems(more).join(), /takes a weekday with period: week/, JSON.stringify(more));
  assert.deepEqual(problems({ period: 'week', begins: 'sunday', time_zone: 'America/New_York' }), []);
});
