/**
 * Limits of one process, by the generic cell rate algorithm: a request moves its holder's "theoretical arrival time"
 * on by one interval, and is refused when that would lie further ahead than the burst allows. Several limits apply at
 * once; when any refuses, none is charged.
 */
import { LRUCache } from 'lru-cache';
import type { LimitConfig } from '../config/schema.ts';

export interface Holder {
  readonly key: string;
  readonly tenant: string;
  readonly policy: string;
}

export interface Refusal {
  readonly limit: LimitConfig;
  readonly holder: string;
  /** Milliseconds until the same request would pass; null: when another one ends. */
  readonly retryAfterMs: number | null;
}

export interface Verdict {
  readonly refusal: Refusal | null;
  /** Limits in shadow mode that would have refused. */
  readonly shadowed: readonly LimitConfig[];
  /** The tightest request limit that applies, for headers. */
  readonly tightest: { readonly limit: number; readonly remaining: number; readonly resetMs: number } | null;
  /** Gives back the concurrency that was taken. */
  readonly release: () => void;
}

interface State {
  /** Theoretical arrival time, ms. */
  tat: number;
  running: number;
}

const MINUTE = 60_000;

function holderOf(limit: LimitConfig, { key, tenant, policy }: Holder): string | null {
  const name =
    limit.scope === 'global' ? '*' : limit.scope === 'key' ? key : limit.scope === 'tenant' ? tenant : policy;
  return limit.match !== undefined && limit.match !== name ? null : name;
}

export class MemoryLimiter {
  readonly #limits: readonly LimitConfig[];
  readonly #now: () => number;
  readonly #states = new LRUCache<string, State>({ max: 100_000 });
  /** Holders with requests in flight are never evicted. */
  readonly #busy = new Map<string, State>();

  constructor(limits: readonly LimitConfig[], now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  #state(id: string): State {
    const known = this.#busy.get(id) ?? this.#states.get(id);
    if (known) return known;
    const state: State = { tat: 0, running: 0 };
    this.#states.set(id, state);
    return state;
  }

  /** Takes from every limit that applies to the holder, or from none. */
  take(who: Holder): Verdict {
    const now = this.#now();
    const shadowed: LimitConfig[] = [];
    const charges: (() => void)[] = [];
    const held: { id: string; state: State }[] = [];
    let tightest: Verdict['tightest'] = null;
    for (const limit of this.#limits) {
      const holder = holderOf(limit, who);
      if (holder === null) continue;
      const id = `${limit.name}\u0000${holder}`;
      const state = this.#state(id);
      let retryAfterMs: number | null = 0;
      if (limit.concurrent !== undefined) {
        if (state.running >= limit.concurrent) retryAfterMs = null;
        held.push({ id, state });
      }
      if (limit.requests_per_minute !== undefined) {
        const interval = MINUTE / limit.requests_per_minute;
        const burst = limit.burst ?? limit.requests_per_minute;
        const tat = Math.max(state.tat, now);
        const wait = tat - now - (burst - 1) * interval;
        if (wait > 0 && retryAfterMs !== null) retryAfterMs = wait;
        const used = wait > 0 ? tat : tat + interval;
        const remaining = Math.max(0, Math.floor(burst - (used - now) / interval + 1e-9));
        if (!tightest || remaining < tightest.remaining) {
          tightest = { limit: limit.requests_per_minute, remaining, resetMs: used - now };
        }
        charges.push(() => {
          state.tat = tat + interval;
        });
      }
      if (retryAfterMs === null || retryAfterMs > 0) {
        if (!limit.shadow) {
          return { refusal: { limit, holder, retryAfterMs }, shadowed, tightest, release: () => {} };
        }
        shadowed.push(limit);
        charges.pop();
      }
    }
    for (const charge of charges) charge();
    for (const { id, state } of held) {
      state.running++;
      this.#busy.set(id, state);
    }
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      for (const { id, state } of held) {
        if (--state.running > 0) continue;
        this.#busy.delete(id);
        this.#states.set(id, state);
      }
    };
    return { refusal: null, shadowed, tightest, release };
  }
}
