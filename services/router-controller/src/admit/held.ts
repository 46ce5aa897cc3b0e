/** What a call to the limiter's scripts says of each limit, and what a granted call holds until it ends. */
import type { LimitConfig } from '../config/schema.ts';
import { clamp, perMinute } from './gcra.ts';
import type { Applying } from './limiter.ts';
import { PER_ANSWER } from './lua.ts';

export interface Held {
  readonly state: string;
  readonly leases: string;
  /** Milliseconds a token takes to refill; 0: the limit counts none. */
  readonly interval: number;
  /** Tokens it holds. */
  readonly burst: number;
  readonly reserved: number;
}

/** Figures of a limit as the script TAKE wants them. */
export function figuresOf(limit: LimitConfig, tokens: number, cost = 1): number[] {
  const { requests_per_minute: rpm, tokens_per_minute: tpm, concurrent, burst, burst_tokens, shadow } = limit;
  const requests = rpm === undefined ? NONE : perMinute(rpm, burst);
  const rate = tpm === undefined ? NONE : perMinute(tpm, burst_tokens);
  return [
    concurrent ?? 0,
    requests.interval,
    requests.burst,
    cost,
    rate.interval,
    rate.burst,
    tokens,
    Number(shadow),
  ];
}
const NONE = { interval: 0, burst: 0 };

/** What a granted call holds and must give back; limits in shadow mode that would have refused hold nothing. */
export function heldOf(
  asked: readonly Applying[],
  keys: readonly { state: string; leases: string }[],
  tokens: (limit: LimitConfig) => number,
  reply: readonly number[],
): Held[] {
  if (reply[0] !== 1) return [];
  return asked.flatMap(({ limit }, index) => {
    const { tokens_per_minute: tpm, burst_tokens, concurrent } = limit;
    if (reply[1 + index * PER_ANSWER] !== 0 || (tpm === undefined && concurrent === undefined)) return [];
    const rate = tpm === undefined ? NONE : perMinute(tpm, burst_tokens);
    return [{ ...keys[index]!, ...rate, reserved: tpm === undefined ? 0 : clamp(tokens(limit), rate) }];
  });
}

/**
 * What a request holds that was granted in two steps under one lease id: the second step's place stands for the first's
 * where both asked the same limit, and only the second has reserved tokens.
 */
export const both = (first: readonly Held[], second: readonly Held[]): Held[] => [
  ...first
    .filter(({ state }) => !second.some((each) => each.state === state))
    .map((each) => ({ ...each, interval: 0 })),
  ...second,
];
