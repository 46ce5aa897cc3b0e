/** Answers that may speak of the request or of the target: only when different requests got the same do they speak of the target. */

/** Different requests in a row, whoever they are of. */
const REQUESTS = 5;
/** Tenants among them, where tenants are told apart. */
const TENANTS = 2;

export class Agreement {
  readonly #requests = new Set<string>();
  readonly #tenants = new Set<string>();
  #nobody = false;

  /**
   * @param what tells requests apart: the same one again says nothing new.
   * @param who its tenant; null: nobody is told apart.
   * @returns true when it is the target's.
   */
  add(what: string, who: string | null): boolean {
    if (this.#requests.size < REQUESTS) this.#requests.add(what);
    if (who === null) this.#nobody = true;
    else if (this.#tenants.size < TENANTS) this.#tenants.add(who);
    return this.#requests.size >= REQUESTS && (this.#nobody || this.#tenants.size >= TENANTS);
  }

  /** The target has answered otherwise. */
  clear(): void {
    this.#requests.clear();
    this.#tenants.clear();
    this.#nobody = false;
  }
}
