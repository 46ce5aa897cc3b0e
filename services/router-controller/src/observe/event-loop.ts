/** How late the event loop runs its timers, and how busy it is. */
import { performance } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

/** Often enough to see stalls of some ten milliseconds, seldom enough to cost nothing. */
const EVERY_MS = 50;

/**
 * Watches for as long as the process lives. A histogram of lateness, unlike a gauge of the last window, adds up over
 * replicas and bears several scrapers.
 */
export function watchEventLoop({
  eventLoopLag,
  eventLoopBusy,
}: Pick<Metrics, 'eventLoopLag' | 'eventLoopBusy'>): void {
  let due = performance.now() + EVERY_MS;
  let before = performance.eventLoopUtilization();
  setInterval(() => {
    const now = performance.now();
    eventLoopLag.observe(Math.max(0, now - due) / 1000);
    due = now + EVERY_MS;
    const after = performance.eventLoopUtilization();
    const { active } = performance.eventLoopUtilization(after, before);
    eventLoopBusy.inc(active / 1000);
    before = after;
  }, EVERY_MS).unref();
}
