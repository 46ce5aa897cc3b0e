/**
 * When failures speak of a target, and not of one client's requests: so many requests in a row, each counted once, and where
 * tenants are told apart, of more than one of them. A prompt that makes a model's server fail each time is no outage.
 */
export class FailureRun {
  readonly #needed: number;
  /** Failures of one tenant that count. */
  readonly #each: number;
  /** Requests in a row that failed, by tenant. */
  readonly #row = new Map<string | null, number>();

  /** @param needed failures in a row */
  constructor(needed: number) {
    this.#needed = needed;
    this.#each = Math.ceil(needed / 2);
  }

  /**
   * A request has failed.
   *
   * @param who its tenant; null: nobody is told apart, or it can't have been the request's doing, so it counts in full.
   * @returns true when the target had better rest.
   */
  failed(who: string | null): boolean {
    const most = who === null ? this.#needed : this.#each;
    this.#row.set(who, Math.min(most, (this.#row.get(who) ?? 0) + 1));
    let count = 0;
    for (const failures of this.#row.values()) count += failures;
    if (count < this.#needed) return false;
    this.#row.clear();
    return true;
  }

  succeeded(): void {
    // Each request comes here, and clear() makes a new table for a Map that is empty, too.
    if (this.#row.size > 0) this.#row.clear();
  }
}
