/** The time limits of one attempt: first byte, silence between bytes, and the whole. Connecting has its own, in the pool. */
import type { Time, Timer } from '../time.ts';
import { AttemptTimeout } from './outcome.ts';

/** Milliseconds. */
export interface Limits {
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
  /**
   * Silence after which it is left for a target that has not been asked yet; infinite: there is none. A stream whose
   * headers have come is at work, and has twice as long until its first content.
   */
  readonly leaveMs: number;
}

export class Clock {
  readonly #time: Time;
  readonly #limits: Limits;
  readonly #end: (reason: AttemptTimeout) => void;
  readonly #total: Timer;
  /** However lively it is without content, others wait no longer. */
  readonly #opening: Timer | null;
  #step: Timer;
  #begun = false;
  #content = false;
  #waiting = true;

  /** @param end ends the upstream call. */
  constructor(time: Time, limits: Limits, end: (reason: AttemptTimeout) => void) {
    this.#time = time;
    this.#limits = limits;
    this.#end = end;
    const { totalMs, firstByteMs, leaveMs } = limits;
    this.#total = time.after(totalMs, () =>
      end(new AttemptTimeout('timeout_total', `the whole call took over ${totalMs} ms`)),
    );
    this.#step = this.#first(Math.min(firstByteMs, leaveMs));
    this.#opening = Number.isFinite(leaveMs)
      ? time.after(firstByteMs, () =>
          end(new AttemptTimeout('timeout_first_byte', `no content came within ${firstByteMs} ms`)),
        )
      : null;
  }

  #first(ms: number): Timer {
    return this.#time.after(ms, () =>
      this.#end(new AttemptTimeout('timeout_first_byte', `no byte of the answer came within ${ms} ms`)),
    );
  }

  /** The headers of a stream have come. */
  alive(): void {
    if (this.#begun) return;
    this.#step.stop();
    const { firstByteMs, leaveMs } = this.#limits;
    this.#step = this.#first(Math.min(firstByteMs, 2 * leaveMs));
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
    this.#idle();
  }

  /** The answer is on its way to the client: nobody else can take over any more. */
  content(): void {
    if (this.#content) return;
    this.#content = true;
    this.#opening?.stop();
    if (this.#begun) this.#idle();
  }

  #idle(): void {
    this.#step.stop();
    const { idleMs, leaveMs } = this.#limits;
    const ms = this.#content ? idleMs : Math.min(idleMs, 2 * leaveMs);
    this.#step = this.#time.after(ms, () => {
      if (this.#waiting) this.#end(new AttemptTimeout('timeout_idle', `the answer was silent for ${ms} ms`));
    });
  }

  stop(): void {
    this.#total.stop();
    this.#opening?.stop();
    this.#step.stop();
  }
}
