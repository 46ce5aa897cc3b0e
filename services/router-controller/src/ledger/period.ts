/** Calendar periods of money, in the time zone of whoever pays. */

import { type PERIODS, WEEKDAYS, type Weekday } from '../config/calendar.ts';

/** What a budget says of its time. */
export interface Calendar {
  readonly period: (typeof PERIODS)[number];
  /** IANA name; absent: UTC. */
  readonly time_zone?: string | undefined;
  /** Weekday that begins a week (absent: monday), or day that begins a month, 1…28 (absent: 1). */
  readonly begins?: Weekday | number | undefined;
}

export interface Span {
  /** `2026-11-24`, `2026-11`; `week-of-2026-11-23`, `month-of-2026-11-15`. */
  readonly id: string;
  /** First moment, ms since 1970. */
  readonly from: number;
  /** First moment of the one after it. */
  readonly to: number;
}

const DAY_MS = 86_400_000;
/** No zone is further from UTC. */
const FARTHEST_MS = 15 * 3_600_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Days since 1970 of a zone's calendar at this moment. */
function dayIn(zone: string, at: number): number {
  if (zone === 'UTC') return Math.floor(at / DAY_MS);
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en', {
      timeZone: zone,
      calendar: 'iso8601',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
    });
    formats.set(zone, format);
  }
  const of: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(at)) of[type] = Number(value);
  return Date.UTC(of.year!, of.month! - 1, of.day) / DAY_MS;
}

/** First moment of a day in a zone: mostly midnight, but a clock may be set forward over it. */
function beginningOf(day: number, zone: string): number {
  if (zone === 'UTC') return day * DAY_MS;
  let [before, after] = [day * DAY_MS - FARTHEST_MS, day * DAY_MS + FARTHEST_MS];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (dayIn(zone, middle) >= day) after = middle;
    else before = middle;
  }
  return after;
}

const isoDay = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** First day of the period and of the next, and the period's name. */
function bounds({ period, begins }: Calendar, day: number): [first: number, next: number, id: string] {
  if (period === 'day') return [day, day + 1, isoDay(day)];
  if (period === 'week') {
    // 1970 began on a Thursday.
    const weekday = (day + 4) % 7;
    const since = (weekday - WEEKDAYS.indexOf((begins ?? 'monday') as Weekday) + 7) % 7;
    return [day - since, day - since + 7, `week-of-${isoDay(day - since)}`];
  }
  const date = new Date(day * DAY_MS);
  const firstDay = (begins ?? 1) as number;
  const month = date.getUTCMonth() - (date.getUTCDate() < firstDay ? 1 : 0);
  const first = Date.UTC(date.getUTCFullYear(), month, firstDay) / DAY_MS;
  const next = Date.UTC(date.getUTCFullYear(), month + 1, firstDay) / DAY_MS;
  return [first, next, firstDay === 1 ? isoDay(first).slice(0, 7) : `month-of-${isoDay(first)}`];
}

/** The last one of each calendar: a request asks for the same as the one before it. */
const latest = new Map<string, Span>();

/** The period that holds this moment. */
export function periodAt(calendar: Calendar, at: Date): Span {
  const moment = at.getTime();
  const { period, time_zone: zone = 'UTC', begins = '' } = calendar;
  const key = `${period} ${zone} ${begins}`;
  const known = latest.get(key);
  if (known && known.from <= moment && moment < known.to) return known;
  const [first, next, id] = bounds(calendar, dayIn(zone, moment));
  const span = { id, from: beginningOf(first, zone), to: beginningOf(next, zone) };
  latest.set(key, span);
  return span;
}

/** Days of UTC up to this moment's, latest last. */
export function lastDays(count: number, at: Date): string[] {
  const today = dayIn('UTC', at.getTime());
  return Array.from({ length: count }, (_, index) => isoDay(today - (count - 1 - index)));
}
