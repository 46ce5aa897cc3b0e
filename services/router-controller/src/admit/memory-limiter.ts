/** Limits of one process: the same answers as Redis gives, for this process alone. */

import type { LimitConfig } from '../config/schema.ts';
import { lru } from '../lru.ts';
import { clamp, correct, perMinute, type Rate, takeFrom } from './gcra.ts';
import {
  type Amounts,
  type Applying,
  applying,
  type Holder,
  type Level,
  NOTHING_HELD,
  type Refusal,
  type Seen,
  tighter,
  type Verdict,
} from './limiter.ts';

interface State {
  /** Theoretical arrival times, ms. */
  requests: number;
  tokens: number;
  running: number;
  /** When Redis last spoke of it (0: never). */
  seenAt: number;
  /** When it last spoke of places, and of how many. */
  placesAt: number;
  placesSeen: number;
}

export interface TakeOptions extends Amounts {
  /** Default: those that the limiter was made with. */
  readonly limits?: readonly LimitConfig[];
  /** Of each limit that is this process' own, 0…1. Default: all of it. */
  readonly share?: number;
  /**
   * Redis is there and knows better, but is late: what it last said holds, and no refill of the last second is counted on.
   */
  readonly late?: boolean;
  /** Only tell how the limits stand: nothing is taken or refused. */
  readonly look?: boolean;
}

/** What Redis said is so old at most. */
const SEEN_MS = 1_000;

const shared = (rate: Rate, share: number): Rate => ({
  interval: rate.interval / share,
  burst: Math.max(1, rate.burst * share),
});

const idOf = (limit: LimitConfig, holder: string) => `${limit.name}\u0000${holder}`;

export class MemoryLimiter {
  readonly #limits: readonly LimitConfig[];
  readonly #now: () => number;
  readonly #states = lru<State>(100_000);
  /** Holders with requests in flight are never evicted. */
  readonly #busy = new Map<string, State>();

  constructor(limits: readonly LimitConfig[], now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  #state(id: string): State {
    const known = this.#busy.get(id) ?? this.#states.get(id);
    if (known) return known;
    const state: State = {
      requests: 0,
      tokens: 0,
      running: 0,
      seenAt: 0,
      placesAt: Number.NEGATIVE_INFINITY,
      placesSeen: 0,
    };
    this.#states.set(id, state);
    return state;
  }

  /** Notes what Redis said. */
  learn({ limit, holder }: Applying, seen: Seen): void {
    const now = this.#now();
    const state = this.#state(idOf(limit, holder));
    // Buckets of a share are as full as the whole one: they are smaller, and fill up more slowly.
    state.seenAt = now;
    if (limit.requests_per_minute !== undefined) state.requests = now + seen.requestsFullMs;
    if (limit.tokens_per_minute !== undefined) state.tokens = now + seen.tokensFullMs;
    if (limit.concurrent === undefined) return;
    state.placesAt = now;
    state.placesSeen = seen.placesLeft;
  }

  /**
   * Takes from every limit that applies to the holder, or from none.
   *
   * @param tokens estimate of prompt and answer.
   */
  take(
    who: Holder,
    tokens: number,
    {
      limits = this.#limits,
      requests: cost = 1,
      reserve = () => tokens,
      share = 1,
      late = false,
      look = false,
    }: TakeOptions = {},
  ): Verdict {
    const clock = this.#now();
    const shadowed: LimitConfig[] = [];
    const charges: (() => void)[] = [];
    const held: { id: string; state: State }[] = [];
    const reserved: { state: State; rate: Rate; cost: number }[] = [];
    let refusal: Refusal | null = null;
    let requests: Level | null = null;
    let left: Level | null = null;
    for (const { limit, holder } of applying(limits, who)) {
      const id = idOf(limit, holder);
      const state = this.#state(id);
      const known = late && state.seenAt > 0;
      const now = known ? Math.max(clock - SEEN_MS, state.seenAt) : clock;
      const refused: Refusal[] = [];
      const mine: (() => void)[] = [];
      if (limit.concurrent !== undefined) {
        const places =
          known && clock - state.placesAt < SEEN_MS
            ? Math.min(state.placesSeen, Math.max(1, Math.floor(state.placesSeen * share)))
            : Math.max(1, Math.floor(limit.concurrent * share));
        if (state.running >= places) refused.push({ limit, holder, kind: 'concurrent', retryAfterMs: null });
        mine.push(() => held.push({ id, state }));
      }
      if (limit.requests_per_minute !== undefined) {
        const taken = takeFrom(
          state.requests,
          now,
          shared(perMinute(limit.requests_per_minute, limit.burst), share),
          look ? 0 : cost,
        );
        if (taken.waitMs > 0) refused.push({ limit, holder, kind: 'requests', retryAfterMs: taken.waitMs });
        requests = tighter(requests, { limit: limit.requests_per_minute, ...taken });
        mine.push(() => {
          state.requests = taken.tat;
        });
      }
      if (limit.tokens_per_minute !== undefined) {
        const rate = shared(perMinute(limit.tokens_per_minute, limit.burst_tokens), share);
        const amount = look ? 0 : reserve(limit);
        const taken = takeFrom(state.tokens, now, rate, amount);
        if (taken.waitMs > 0) refused.push({ limit, holder, kind: 'tokens', retryAfterMs: taken.waitMs });
        left = tighter(left, { limit: limit.tokens_per_minute, ...taken });
        mine.push(() => {
          state.tokens = taken.tat;
          reserved.push({ state, rate, cost: clamp(amount, rate) });
        });
      }
      if (refused.length === 0) charges.push(...mine);
      else if (limit.shadow) shadowed.push(limit);
      else refusal ??= refused[0]!;
    }
    if (look) return { refusal: null, shadowed: [], requests, tokens: left, ...NOTHING_HELD };
    if (refusal) return { refusal, shadowed, requests, tokens: left, ...NOTHING_HELD };
    for (const charge of charges) charge();
    for (const { id, state } of held) {
      state.running++;
      this.#busy.set(id, state);
    }
    let settled = false;
    const settle = (used: number) => {
      if (settled) return;
      settled = true;
      const then = this.#now();
      for (const { state, rate, cost } of reserved)
        state.tokens = correct(state.tokens, then, rate, used - cost);
      for (const { id, state } of held) {
        if (--state.running > 0) continue;
        this.#busy.delete(id);
        this.#states.set(id, state);
      }
    };
    const adjust = (tokens: number) => {
      const then = this.#now();
      for (const { state, rate } of reserved) state.tokens = correct(state.tokens, then, rate, tokens);
    };
    return { refusal: null, shadowed, requests, tokens: left, settle, adjust };
  }
}
