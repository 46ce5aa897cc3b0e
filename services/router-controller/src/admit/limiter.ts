/** What a limiter is, in memory or in Redis: several limits taken at once, or none. */
import type { LimitConfig } from '../config/schema.ts';

export interface Holder {
  readonly key: string;
  readonly tenant: string;
  /** Absent before the body is read; limits of policies count nothing then. */
  readonly policy?: string;
  /** Only while a target is asked; limits of targets count nothing else. */
  readonly target?: string;
  /** Limits that the key carries itself. */
  readonly own?: LimitConfig | undefined;
}

export interface Refusal {
  readonly limit: LimitConfig;
  readonly holder: string;
  /** What ran out. */
  readonly kind: 'requests' | 'tokens' | 'concurrent' | 'share';
  /** Milliseconds until the same request would pass; null: when another one ends. */
  readonly retryAfterMs: number | null;
}

/** The state of a limit as headers tell it. */
export interface Level {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
}

export interface Verdict {
  readonly refusal: Refusal | null;
  /** Limits in shadow mode that would have refused. */
  readonly shadowed: readonly LimitConfig[];
  /** The tightest that apply, for headers. */
  readonly requests: Level | null;
  readonly tokens: Level | null;
  /**
   * Ends the request: gives its place back, and the difference between the tokens reserved and those really used.
   * Safe to call again.
   */
  readonly settle: (usedTokens: number) => void;
  /** Charges what was used beyond the tokens it was settled with; negative: gives back. Only after {@link settle}. */
  readonly adjust: (tokens: number) => void;
}

/** Of a verdict that took nothing. */
export const NOTHING_HELD = { settle: () => {}, adjust: () => {} };

/** What is asked beside the limits and the tokens. */
export interface Amounts {
  /** Requests; default: 1. */
  readonly requests?: number;
  /** Tokens to reserve in one limit, where they are not the same for all. */
  readonly reserve?: (limit: LimitConfig) => number;
}

/** What Redis last said of a limit's holder, for the time when it does not answer. */
export interface Seen {
  /** Milliseconds until the buckets are full. */
  readonly requestsFullMs: number;
  readonly tokensFullMs: number;
  readonly placesLeft: number;
}

export interface Applying {
  readonly limit: LimitConfig;
  readonly holder: string;
}

/** The limits that count this holder, in the file's order. Limits of targets apply when there is one, and only then. */
export function applying(limits: readonly LimitConfig[], who: Holder): Applying[] {
  const found: Applying[] = [];
  for (const limit of limits) addApplying(found, limit, who);
  if (who.own && who.target === undefined) addApplying(found, who.own, who);
  return found;
}

function addApplying(found: Applying[], limit: LimitConfig, who: Holder): void {
  if ((limit.scope === 'target') !== (who.target !== undefined)) return;
  if (limit.scope === 'policy' && who.policy === undefined) return;
  const holder = limit.scope === 'global' ? '*' : who[limit.scope]!;
  if (limit.match === undefined || limit.match === holder) found.push({ limit, holder });
}

export const tighter = (a: Level | null, b: Level): Level => (a && a.remaining <= b.remaining ? a : b);
