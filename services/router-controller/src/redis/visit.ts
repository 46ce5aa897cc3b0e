/** What one request has to do with Redis: how long it has waited for it in all, and the span that its calls stand under. */
import { NO_SPAN, type Span } from '../observe/index.ts';

export class RedisVisit {
  readonly span: Span;
  #waited = 0;
  #calls = 0;
  #since = 0;

  constructor(span: Span = NO_SPAN) {
    this.span = span;
  }

  /** Milliseconds so far; calls at the same time are one wait. */
  get waitedMs(): number {
    return this.#waited + (this.#calls > 0 ? performance.now() - this.#since : 0);
  }

  /** A call begins; {@link end} when it has ended. @param now `performance.now()` */
  begin(now: number): void {
    if (this.#calls++ === 0) this.#since = now;
  }

  /** @param least milliseconds that it was given: a timer may end them a little before this clock does. */
  end(least = 0): void {
    if (--this.#calls === 0) this.#waited += Math.max(least, performance.now() - this.#since);
  }
}
