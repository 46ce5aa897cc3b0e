/** When something that died is started again: soon, then ever later while it goes on dying. */

/** Pause before a restart; doubled while it goes on dying, up to the longest. */
const FIRST_MS = 500;
const LONGEST_MS = 30_000;
/** One that lived so long is not in a circle of crashes. */
const SETTLED_MS = 60_000;

export class Restarts {
  readonly #name: string;
  #pause = FIRST_MS;
  #startedAt = 0;
  #ended = false;

  constructor(name: string) {
    this.#name = name;
  }

  /** To be told at each start. */
  started(): void {
    this.#startedAt = Date.now();
  }

  /** No restart from now on. */
  end(): void {
    this.#ended = true;
  }

  /** Starts it after a pause, again and again until a start works. */
  schedule(start: () => Promise<unknown>): void {
    if (Date.now() - this.#startedAt > SETTLED_MS) this.#pause = FIRST_MS;
    const pause = this.#pause;
    this.#pause = Math.min(pause * 2, LONGEST_MS);
    console.error(`${this.#name}: starting again in ${pause} ms`);
    setTimeout(() => {
      if (this.#ended) return;
      start().then(
        () => console.error(`${this.#name}: back`),
        (error: Error) => {
          console.error(error.message);
          if (!this.#ended) this.schedule(start);
        },
      );
    }, pause);
  }
}
