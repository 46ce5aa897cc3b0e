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

const NEVER = Number.POSITIVE_INFINITY;

/** One timer for all limits, set to what ends first: what begins anew with each chunk only moves a time. */
export class Clock {
  readonly #time: Time;
  readonly #limits: Limits;
  readonly #end: (reason: AttemptTimeout) => void;
  readonly #totalAt: number;
  /** However lively it is without content, others wait no longer. */
  #openingAt: number;
  /** When the silence of now has been too long; never: nothing is waited for. */
  #silentAt: number;
  #silentMs: number;
  #begun = false;
  #content = false;
  #timer: Timer | null = null;
  /** Before all times once it is over: nothing is set any more. */
  #timerAt = NEVER;

  /** @param end ends the upstream call. */
  constructor(time: Time, limits: Limits, end: (reason: AttemptTimeout) => void) {
    this.#time = time;
    this.#limits = limits;
    this.#end = end;
    const { totalMs, firstByteMs, leaveMs } = limits;
    const now = time.now();
    this.#totalAt = now + totalMs;
    this.#openingAt = Number.isFinite(leaveMs) ? now + firstByteMs : NEVER;
    this.#silentMs = Math.min(firstByteMs, leaveMs);
    this.#silentAt = now + this.#silentMs;
    this.#arm(now);
  }

  /** A timer that is due before looks again by itself. */
  #arm(now: number): void {
    const at = Math.min(this.#totalAt, this.#openingAt, this.#silentAt);
    if (at >= this.#timerAt) return;
    this.#timer?.stop();
    this.#timerAt = at;
    this.#timer = this.#time.after(at - now, this.#look);
  }

  readonly #look = () => {
    const now = this.#time.now();
    this.#timerAt = NEVER;
    const late = this.#late(now);
    if (late) this.#end(late);
    else this.#arm(now);
  };

  #late(now: number): AttemptTimeout | null {
    const { totalMs, firstByteMs } = this.#limits;
    if (this.#totalAt <= now)
      return new AttemptTimeout('timeout_total', `the whole call took over ${totalMs} ms`);
    if (this.#silentAt <= now)
      return this.#begun
        ? new AttemptTimeout('timeout_idle', `the answer was silent for ${this.#silentMs} ms`)
        : new AttemptTimeout('timeout_first_byte', `no byte of the answer came within ${this.#silentMs} ms`);
    return this.#openingAt <= now
      ? new AttemptTimeout('timeout_first_byte', `no content came within ${firstByteMs} ms`)
      : null;
  }

  #silentFrom(now: number): void {
    this.#silentAt = now + this.#silentMs;
    this.#arm(now);
  }

  /** The headers of a stream have come. */
  alive(): void {
    if (this.#begun) return;
    const { firstByteMs, leaveMs } = this.#limits;
    this.#silentMs = Math.min(firstByteMs, 2 * leaveMs);
    this.#silentFrom(this.#time.now());
  }

  /** A chunk is asked for. Time that the client takes to read is not the upstream's silence, so it does not count. */
  wait(): void {
    if (this.#begun) this.#silentFrom(this.#time.now());
  }

  /** A chunk has come. */
  tick(): void {
    this.#silentAt = NEVER;
    if (this.#begun) return;
    this.#begun = true;
    this.#silentMs = this.#idleMs();
  }

  /** The answer is on its way to the client: nobody else can take over any more. */
  content(): void {
    if (this.#content) return;
    this.#content = true;
    this.#openingAt = NEVER;
    if (!this.#begun) return;
    this.#silentMs = this.#idleMs();
    if (this.#silentAt !== NEVER) this.#silentFrom(this.#time.now());
  }

  #idleMs(): number {
    const { idleMs, leaveMs } = this.#limits;
    return this.#content ? idleMs : Math.min(idleMs, 2 * leaveMs);
  }

  stop(): void {
    this.#timer?.stop();
    this.#timerAt = -NEVER;
  }
}
