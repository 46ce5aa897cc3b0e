/** Calendar periods of money, UTC. */

export type Period = 'day' | 'month';

/** `2026-11-24`, or `2026-11`. */
export const periodOf = (period: Period, at: Date): string =>
  at.toISOString().slice(0, period === 'day' ? 10 : 7);

/** When the period after this moment's begins. */
export function nextPeriod(period: Period, at: Date): Date {
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  return new Date(period === 'day' ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1));
}

/** Days up to this moment's, latest last. */
export function lastDays(count: number, at: Date): string[] {
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  return Array.from({ length: count }, (_, index) =>
    periodOf('day', new Date(Date.UTC(year, month, day - (count - 1 - index)))),
  );
}
