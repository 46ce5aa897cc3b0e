/** The time limits of one attempt: first byte, silence between bytes, and the whole. Connecting has its own, in the pool. */
import type { Target } from '../../config/types.ts';
import { AttemptTimeout } from './outcome.ts';

export class Clock {
  readonly #target: Target;
  readonly #end: (reason: AttemptTimeout) => void;
  readonly #total: NodeJS.Timeout;
  #step: NodeJS.Timeout;
  #begun = false;
  #waiting = true;

  /** @param end ends the upstream call. */
  constructor(target: Target, end: (reason: AttemptTimeout) => void) {
    this.#target = target;
    this.#end = end;
    const { total_ms, first_byte_ms } = target.timeouts;
    this.#total = setTimeout(
      () => end(new AttemptTimeout('timeout_total', `the whole call took over ${total_ms} ms`)),
      total_ms,
    );
    this.#step = setTimeout(
      () =>
        end(
          new AttemptTimeout('timeout_first_byte', `no byte of the answer came within ${first_byte_ms} ms`),
        ),
      first_byte_ms,
    );
  }

  /** A chunk is asked for. Time that the client takes to read is not the upstream's silence, so it does not count. */
  wait(): void {
    this.#waiting = true;
    if (this.#begun) this.#step.refresh();
  }

  /** A chunk has come. */
  tick(): void {
    this.#waiting = false;
    if (this.#begun) return;
    this.#begun = true;
    clearTimeout(this.#step);
    const { idle_ms } = this.#target.timeouts;
    this.#step = setTimeout(() => {
      if (this.#waiting)
        this.#end(new AttemptTimeout('timeout_idle', `the answer was silent for ${idle_ms} ms`));
    }, idle_ms);
  }

  stop(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#step);
  }
}
