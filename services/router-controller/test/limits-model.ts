/** What the limiter's scripts have to do, said plainly: leases in a map, a clock that is handed in, and no Redis. */
import { perMinute } from '../src/admit/gcra.ts';
import type { LimitConfig } from '../src/config/schema.ts';

/** A request in flight as one limit knows it. */
export interface Lease {
  reserved: number;
  until: number;
}

/** State of one limit's holder; undefined times: nothing is known. */
export interface ModelState {
  requests: number | undefined;
  tokens: number | undefined;
  /** By lease id. */
  leases: Map<string, Lease>;
}

/** Of one limit, as the script TAKE answers it. */
type Figures = [
  kind: number,
  wait: number,
  left: number,
  full: number,
  tokens: number,
  tokensFull: number,
  places: number,
];

interface Bucket {
  wait: number;
  tat: number;
  left: number;
  full: number;
}

/** Times are kept in microseconds, rounded as C does it: a tie goes to the even digit. */
export function micro(ms: number): number {
  const up = Number(ms.toFixed(3));
  const tie = /5000$/.test(ms.toFixed(7)) && Number(ms.toFixed(4)) === ms;
  return tie && Math.abs(Math.round(up * 1_000)) % 2 === 1 ? Number((up - 0.001).toFixed(3)) : up;
}

/** Two buckets are owed at most. */
const latest = (now: number, { interval, burst }: { interval: number; burst: number }) =>
  now + 2 * burst * interval;

function bucket(
  tat: number,
  now: number,
  { interval, burst }: { interval: number; burst: number },
  cost: number,
): Bucket {
  const start = Math.max(tat, now);
  const after = start + Math.min(cost, burst) * interval;
  const wait = Math.max(0, after - now - burst * interval);
  const fits = wait < 0.002;
  const used = fits ? after : start;
  const left = Math.max(0, Math.floor(burst - (used - now) / interval + 0.000001));
  return { wait: fits ? 0 : wait, tat: used, left, full: used - now };
}

export class PlainLimits {
  readonly #limits: readonly LimitConfig[];
  readonly #leaseMs: number;
  states: ModelState[];

  constructor(limits: readonly LimitConfig[], leaseMs: number) {
    this.#limits = limits;
    this.#leaseMs = leaseMs;
    this.states = this.#empty();
  }

  #empty(): ModelState[] {
    return this.#limits.map(() => ({ requests: undefined, tokens: undefined, leases: new Map() }));
  }

  /** Redis comes back empty. */
  lose(): void {
    this.states = this.#empty();
  }

  /** Milliseconds a token takes to refill, and how many are held; 0: the limit counts none. */
  rate(at: number): { interval: number; burst: number } {
    const { tokens_per_minute: tpm, burst_tokens } = this.#limits[at]!;
    return tpm === undefined ? { interval: 0, burst: 0 } : perMinute(tpm, burst_tokens);
  }

  /** Milliseconds that each bucket takes to refill. */
  buckets(): number[] {
    return this.#limits.flatMap(({ requests_per_minute: rpm, burst }, at) => {
      const { interval, burst: tokens } = this.rate(at);
      const requests = rpm === undefined ? { interval: 0, burst: 0 } : perMinute(rpm, burst);
      return [interval * tokens, requests.interval * requests.burst];
    });
  }

  /** Leases past their end give back what they had reserved. */
  #sweep(at: number, now: number): void {
    const state = this.states[at]!;
    let reserved = 0;
    for (const [id, lease] of state.leases) {
      if (lease.until > now) continue;
      reserved += lease.reserved;
      state.leases.delete(id);
    }
    if (state.tokens !== undefined && state.tokens > 0 && reserved > 0)
      state.tokens = micro(state.tokens - reserved * this.rate(at).interval);
  }

  /** @param asked which limits, and what of them; default: all. */
  take(
    id: string,
    tokens: number,
    now: number,
    asked: readonly { at: number; limit: LimitConfig }[] = this.#limits.map((limit, at) => ({ at, limit })),
  ): { granted: boolean; figures: Figures[] } {
    const figures: Figures[] = [];
    const charges: (() => void)[] = [];
    let granted = true;
    for (const { at, limit } of asked) {
      const {
        concurrent,
        requests_per_minute: rpm,
        tokens_per_minute: tpm,
        burst,
        burst_tokens,
        shadow,
      } = limit;
      const state = this.states[at]!;
      const holds = concurrent !== undefined || tpm !== undefined;
      if (holds) this.#sweep(at, now);
      const places = (concurrent ?? 0) - state.leases.size - 1;
      const requests = rpm === undefined ? null : bucket(state.requests ?? 0, now, perMinute(rpm, burst), 1);
      const rate = tpm === undefined ? null : perMinute(tpm, burst_tokens);
      const amount = rate && bucket(state.tokens ?? 0, now, rate, tokens);
      let [kind, wait] = [0, 0];
      if (concurrent !== undefined && places < 0) kind = 1;
      else if (requests && requests.wait > 0) [kind, wait] = [2, requests.wait];
      else if (amount && amount.wait > 0) [kind, wait] = [3, amount.wait];
      figures.push([
        kind,
        Math.ceil(wait),
        requests?.left ?? 0,
        Math.ceil(requests?.full ?? 0),
        amount?.left ?? 0,
        Math.ceil(amount?.full ?? 0),
        concurrent === undefined ? 0 : Math.max(0, places),
      ]);
      if (kind !== 0) {
        granted &&= shadow;
        continue;
      }
      charges.push(() => {
        if (requests) state.requests = micro(requests.tat);
        if (amount) state.tokens = micro(amount.tat);
        const reserved = rate ? Math.min(tokens, rate.burst) : 0;
        if (holds) state.leases.set(id, { reserved, until: now + this.#leaseMs });
      });
    }
    if (granted) for (const charge of charges) charge();
    return { granted, figures };
  }

  /**
   * A request ends, or, with an id that holds nothing, is charged.
   *
   * @param again it was told before, and may have been done.
   */
  settle(
    id: string,
    held: readonly { at: number; counts: boolean }[],
    used: number,
    again: boolean,
    now: number,
  ): void {
    for (const { at, counts } of held) {
      const state = this.states[at]!;
      const lease = state.leases.get(id);
      state.leases.delete(id);
      const wanted = !lease && again ? 0 : used;
      const more = wanted - (lease?.reserved ?? 0);
      const rate = this.rate(at);
      if (!counts || more === 0) continue;
      const tat = state.tokens ?? 0;
      const after = (more > 0 ? Math.max(tat, now) : tat) + more * rate.interval;
      state.tokens = micro(Math.min(after, latest(now, rate)));
    }
  }

  /** A lease that has ended is taken anew, and reserves nothing any more. */
  renew(id: string, held: readonly number[], now: number): void {
    for (const at of held) {
      const { leases } = this.states[at]!;
      leases.set(id, { reserved: leases.get(id)?.reserved ?? 0, until: now + this.#leaseMs });
    }
  }

  /** One request more was let through than was asked for, or one less. */
  owe(requests: 1 | -1, now: number): void {
    for (const [at, { requests_per_minute: rpm, burst, shadow }] of this.#limits.entries()) {
      if (rpm === undefined || shadow) continue;
      const state = this.states[at]!;
      const tat = state.requests ?? 0;
      const rate = perMinute(rpm, burst);
      const after = (requests > 0 ? Math.max(tat, now) : tat) + requests * rate.interval;
      state.requests = micro(Math.min(after, latest(now, rate)));
    }
  }
}
