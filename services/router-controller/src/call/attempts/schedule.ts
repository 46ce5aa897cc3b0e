/** Which target is asked next, and when: each in its order once, then again those that may recover. */
import type { Target } from '../../config/types.ts';

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

interface Candidate {
  readonly target: Target;
  tries: number;
  notBefore: number;
}

export class Schedule {
  readonly #candidates: Candidate[];
  readonly #backoff: Backoff;
  readonly #random: () => number;
  readonly #taken = new Map<Target, number>();

  /** @param random 0…1, replaced in tests. */
  constructor(targets: readonly Target[], backoff: Backoff, random: () => number = Math.random) {
    this.#candidates = targets.map((target) => ({ target, tries: 0, notBefore: 0 }));
    this.#backoff = backoff;
    this.#random = random;
  }

  /**
   * The next target and how long to wait for it, milliseconds; null when none is left. It leaves the schedule until
   * {@link again} brings it back.
   *
   * @param readyOnly take none that has to be waited for.
   */
  take(now: number, readyOnly = false): { target: Target; waitMs: number; first: boolean } | null {
    const ready = this.#candidates.filter(({ notBefore }) => notBefore <= now);
    const next =
      ready.length > 0
        ? ready.reduce((best, each) => (each.tries < best.tries ? each : best))
        : this.#candidates.reduce<Candidate | null>(
            (best, each) => (best === null || each.notBefore < best.notBefore ? each : best),
            null,
          );
    if (!next || (readyOnly && next.notBefore > now)) return null;
    this.#candidates.splice(this.#candidates.indexOf(next), 1);
    this.#taken.set(next.target, next.tries + 1);
    return { target: next.target, waitMs: Math.max(0, next.notBefore - now), first: next.tries === 0 };
  }

  /** From now on only these, in their order, whether they stood here before or not; those that were asked already are past. */
  replace(targets: readonly Target[]): void {
    const fresh = targets.filter((target) => !this.#taken.has(target));
    this.#candidates.splice(
      0,
      Number.POSITIVE_INFINITY,
      ...fresh.map((target) => ({ target, tries: 0, notBefore: 0 })),
    );
  }

  /** Targets that have not been taken yet. */
  fresh(): Target[] {
    return this.#candidates.filter(({ tries }) => tries === 0).map(({ target }) => target);
  }

  /**
   * A target that was taken may be asked again: after the pause that it asked for itself, else after one that doubles
   * each time, with full jitter.
   */
  again(target: Target, now: number, askedMs: number | null): void {
    const tries = this.#taken.get(target) ?? 1;
    const { firstMs, maxMs } = this.#backoff;
    const own = this.#random() * Math.min(maxMs, firstMs * 2 ** (tries - 1));
    this.#candidates.push({ target, tries, notBefore: now + (askedMs ?? own) });
  }
}
