/**
 * The generic cell rate algorithm: a bucket that refills evenly, kept as one number, the "theoretical arrival time" (tat)
 * at which it is full again. The Lua script in redis-limiter.ts does the same on Redis' clock.
 */

/** Rate of a bucket; times in milliseconds. */
export interface Rate {
  /** Time in which one unit refills. */
  readonly interval: number;
  /** Units it holds. */
  readonly burst: number;
}

export interface Taken {
  /** 0: it fits; else the time until it would. */
  readonly waitMs: number;
  /** The bucket afterwards when it fits, unchanged otherwise. */
  readonly tat: number;
  readonly remaining: number;
  /** Until the bucket is full. */
  readonly resetMs: number;
}

export const MINUTE_MS = 60_000;

export const perMinute = (units: number, burst: number | undefined): Rate => ({
  interval: MINUTE_MS / units,
  burst: burst ?? units,
});

/** More than the bucket ever holds is taken as a full bucket: it has to wait for that, and not for ever. */
export const clamp = (cost: number, { burst }: Rate): number => Math.min(cost, burst);

/**
 * Most buckets that may be owed. One answer that is far longer than its reservation is paid for; a report that can't be, or
 * a flood while Redis was away, must not lock anybody out for longer than two buckets take to refill.
 */
export const DEBT_BUCKETS = 2;

/** The time by which a bucket is full again at the latest, whatever was taken. */
const latest = (now: number, { interval, burst }: Rate): number => now + DEBT_BUCKETS * burst * interval;

/** What taking `cost` units at `now` would do. */
export function takeFrom(tat: number, now: number, rate: Rate, cost: number): Taken {
  const start = Math.max(tat, now);
  const after = start + clamp(cost, rate) * rate.interval;
  const waitMs = Math.max(0, after - now - rate.burst * rate.interval);
  // Two microseconds of rounding must not refuse the last unit: an epoch in ms leaves no finer steps.
  const fits = waitMs < 0.002;
  const used = fits ? after : start;
  return {
    waitMs: fits ? 0 : waitMs,
    tat: used,
    remaining: Math.max(0, Math.floor(rate.burst - (used - now) / rate.interval + 1e-6)),
    resetMs: used - now,
  };
}

/**
 * The bucket after a reservation turned out as `units` more than was taken (fewer: negative). What was taken and has
 * refilled since gives nothing back twice: a bucket is never fuller than full. Nor does it owe more than {@link DEBT_BUCKETS}.
 */
export const correct = (tat: number, now: number, rate: Rate, units: number): number =>
  Math.min((units > 0 ? Math.max(tat, now) : tat) + units * rate.interval, latest(now, rate));
