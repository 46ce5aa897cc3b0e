/** For proofs at the shipped limits: a clock that goes on only when it is told to. */
import type { Time, Timer } from './time.ts';

interface Pending {
  due: number;
  readonly ms: number;
  readonly every: boolean;
  readonly run: () => void;
}

export class FakeTime implements Time {
  #now = 1_000_000;
  readonly #pending = new Set<Pending>();

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): Timer {
    return this.#add(ms, run, false);
  }

  every(ms: number, run: () => void): Timer {
    return this.#add(ms, run, true);
  }

  #add(ms: number, run: () => void, every: boolean): Timer {
    const timer: Pending = { due: this.#now + ms, ms, every, run };
    this.#pending.add(timer);
    return {
      refresh: () => {
        timer.due = this.#now + ms;
        this.#pending.add(timer);
      },
      stop: () => this.#pending.delete(timer),
    };
  }

  /** Goes on to the next timer that is due, and runs it. @returns false when there is none */
  next(): boolean {
    const finite = [...this.#pending].filter(({ due }) => Number.isFinite(due));
    const timer = finite.reduce<Pending | null>(
      (best, each) => (best && best.due <= each.due ? best : each),
      null,
    );
    if (!timer) return false;
    this.#now = Math.max(this.#now, timer.due);
    if (timer.every) timer.due += timer.ms;
    else this.#pending.delete(timer);
    timer.run();
    return true;
  }
}
