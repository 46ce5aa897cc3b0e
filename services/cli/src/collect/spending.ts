/** A budget in USD that calls under way can't pass: each holds what it may cost at most until it is known what it did. */

/** The next call might cost more than is left. */
export class BudgetReached extends Error {}

export class Spending {
  readonly #budget: number;
  #spent: number;
  #held = 0;
  #waiting: (() => void)[] = [];

  /** @param spent USD by earlier runs */
  constructor(budget: number, spent: number) {
    this.#budget = budget;
    this.#spent = spent;
  }

  get spent(): number {
    return this.#spent;
  }

  /**
   * Makes a call when there is money for the dearest that it can be; waits while calls under way might still leave enough.
   *
   * @param make gives what the call came to and what it did cost; a call that failed is taken to have cost nothing.
   * @throws BudgetReached without a call
   */
  async pay<T>(most: number, make: () => Promise<{ readonly value: T; readonly usd: number }>): Promise<T> {
    while (this.#spent + this.#held + most > this.#budget) {
      if (this.#held === 0) throw new BudgetReached();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#held += most;
    try {
      const { value, usd } = await make();
      this.#spent += usd;
      return value;
    } finally {
      this.#held = Math.max(0, this.#held - most);
      if (this.#held < 1e-15) this.#held = 0;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const go of waiting) go();
    }
  }
}
