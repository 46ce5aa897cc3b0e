/**
 * What each tenant has reserved in limits that it shares with others. Reservations cost nothing when their requests are
 * given up, so without a bound one tenant could keep a common limit empty for all.
 */
import type { LimitConfig } from '../config/schema.ts';
import { perMinute } from './gcra.ts';
import type { Applying } from './limiter.ts';

const keyOf = ({ limit, holder }: Applying) => `${limit.name}\u0000${holder}`;

/** True for limits in which tenants meet. */
const isShared = ({ scope, tokens_per_minute, shadow }: LimitConfig) =>
  (scope === 'global' || scope === 'policy' || scope === 'target') &&
  tokens_per_minute !== undefined &&
  !shadow;

export class Shares {
  readonly #held = new Map<string, Map<string, number>>();
  /** Of what a limit holds, that one tenant may have reserved, 0…1. */
  share: number;

  constructor(share: number) {
    this.share = share;
  }

  #most({ tokens_per_minute: tpm, burst_tokens }: LimitConfig, replicas: number): number {
    return Math.max(1, Math.floor((perMinute(tpm!, burst_tokens).burst * this.share) / replicas));
  }

  /**
   * Tokens that a request may reserve of each limit: a single request never more than its tenant's share.
   *
   * @param replicas that share the limits; each has its part of every share.
   */
  reserving(tokens: number, replicas: number): (limit: LimitConfig) => number {
    if (this.share >= 1) return () => tokens;
    return (limit) => (isShared(limit) ? Math.min(tokens, this.#most(limit, replicas)) : tokens);
  }

  /** The first limit in which this would be more than the tenant's share; null: there is none. */
  over(asked: readonly Applying[], tenant: string, tokens: number, replicas: number): Applying | null {
    if (this.share >= 1 || tokens === 0) return null;
    const reserve = this.reserving(tokens, replicas);
    return (
      asked.find((each) => {
        if (!isShared(each.limit)) return false;
        const held = this.#held.get(keyOf(each))?.get(tenant) ?? 0;
        return held > 0 && held + reserve(each.limit) > this.#most(each.limit, replicas);
      }) ?? null
    );
  }

  /** Notes what was reserved. @returns gives it back; call it once. */
  hold(asked: readonly Applying[], tenant: string, reserve: (limit: LimitConfig) => number): () => void {
    const changes = asked.flatMap((each) =>
      isShared(each.limit) ? [{ key: keyOf(each), tokens: reserve(each.limit) }] : [],
    );
    for (const { key, tokens } of changes) this.#add(key, tenant, tokens);
    return () => {
      for (const { key, tokens } of changes) this.#add(key, tenant, -tokens);
    };
  }

  #add(key: string, tenant: string, tokens: number): void {
    const tenants = this.#held.get(key) ?? new Map<string, number>();
    const held = (tenants.get(tenant) ?? 0) + tokens;
    if (held > 0) tenants.set(tenant, held);
    else tenants.delete(tenant);
    if (tenants.size > 0) this.#held.set(key, tenants);
    else this.#held.delete(key);
  }
}
