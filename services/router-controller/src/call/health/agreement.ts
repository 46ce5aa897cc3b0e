/** Answers that may speak of the request or of the target: only when different requests got the same do they speak of the target. */

export interface AgreementNeeds {
  /** Different requests in a row, whoever they are of. */
  readonly requests: number;
  /** Tenants among them, where tenants are told apart. */
  readonly tenants: number;
}

export class Agreement {
  readonly #needs: AgreementNeeds;
  readonly #requests = new Set<string>();
  readonly #tenants = new Set<string>();
  #nobody = false;

  constructor(needs: AgreementNeeds) {
    this.#needs = needs;
  }

  /**
   * @param what tells requests apart: the same one again says nothing new.
   * @param who its tenant; null: nobody is told apart.
   * @returns true when it is the target's.
   */
  add(what: string, who: string | null): boolean {
    const { requests, tenants } = this.#needs;
    if (this.#requests.size < requests) this.#requests.add(what);
    if (who === null) this.#nobody = true;
    else if (this.#tenants.size < tenants) this.#tenants.add(who);
    return this.#requests.size >= requests && (this.#nobody || this.#tenants.size >= tenants);
  }

  /** The target has answered otherwise. */
  clear(): void {
    // Each answer comes here, and clear() makes a new table for a Set that is empty, too.
    if (this.#requests.size > 0) this.#requests.clear();
    if (this.#tenants.size > 0) this.#tenants.clear();
    this.#nobody = false;
  }
}
