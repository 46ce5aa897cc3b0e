/** Longest pause that a receiver may ask for, milliseconds; a longer one is as good as none. */
const MOST_MS = 3_600_000;

/** A `retry-after` header, in seconds or as a date. @returns milliseconds; null: none that can be read */
export function retryAfterMs(header: string | string[] | undefined, now = Date.now()): number | null {
  if (typeof header !== 'string') return null;
  const text = header.trim();
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? null : Math.min(MOST_MS, Math.max(0, ms));
}
