/** Of one thing at most one notice in a while: the first at once, and after it the latest where that is another. */

import { REAL_TIME, type Time } from '../call/time.ts';
import { lru } from '../lru.ts';
import type { Notice } from './notice.ts';

/** Things that are remembered; the one that was longest quiet is forgotten first. */
const MOST = 10_000;

interface Thing {
  told: string | null;
  toldAt: number;
  latest: Notice | null;
  waits: boolean;
}

export const stateOf = ({ state, type }: Notice): string => state ?? type;

export class Settling {
  readonly #settleMs: () => number;
  readonly #tell: (notice: Notice) => void;
  readonly #time: Time;
  readonly #things = lru<Thing>(MOST);

  constructor(settleMs: () => number, tell: (notice: Notice) => void, time: Time = REAL_TIME) {
    this.#settleMs = settleMs;
    this.#tell = tell;
    this.#time = time;
  }

  note(notice: Notice): void {
    const thing = this.#things.get(notice.subject) ?? {
      told: null,
      toldAt: Number.NEGATIVE_INFINITY,
      latest: null,
      waits: false,
    };
    this.#things.set(notice.subject, thing);
    thing.latest = notice;
    if (thing.waits) return;
    const rest = thing.toldAt + this.#settleMs() - this.#time.now();
    if (rest <= 0) this.#settle(thing);
    else {
      thing.waits = true;
      this.#time.after(rest, () => this.#settle(thing));
    }
  }

  #settle(thing: Thing): void {
    const { latest } = thing;
    thing.waits = false;
    thing.latest = null;
    if (!latest || stateOf(latest) === thing.told) return;
    // The end of what nobody was told of.
    if (latest.ends && thing.told === null) return;
    thing.told = stateOf(latest);
    thing.toldAt = this.#time.now();
    this.#tell(latest);
  }

  /** What waits is told now. */
  close(): void {
    for (const thing of this.#things.values()) this.#settle(thing);
  }
}
