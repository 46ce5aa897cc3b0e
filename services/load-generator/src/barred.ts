/**
 * Tells a run that can come to nothing from one that goes badly: whatever was asked, nothing of an answer has come from
 * the first request on. What fails later, or only sometimes, is what a load test is there to measure.
 */
import type { Sample } from './send.ts';

/** From the first failure on; by then others have ended, too. */
export const PATIENCE_MS = 1_000;
/** So many failures may be a router's that has just begun. */
const ENOUGH = 3;

/** No other request would fare better: nobody there, no key, no such path or model, another place. */
const isFinal = ({ status, error }: Sample): boolean =>
  status === null ? !CLOSED.test(error!) : status < 400 || [401, 403, 404, 405].includes(status);
/** Somebody is there, and may be about to be. */
const CLOSED = /RESET|SOCKET|EPIPE/;

/** A limit that is reached is a finding. */
const isBarred = ({ said, status }: Sample): boolean => said !== null && status !== 429;

export class Barred {
  readonly #onBarred: (why: string) => void;
  #first: Sample | null = null;
  #count = 0;
  #isSettled = false;
  #isTime = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param onBarred called once, when it is clear that nothing will be answered, with the first failure's words */
  constructor(onBarred: (why: string) => void) {
    this.#onBarred = onBarred;
  }

  /** Each request's end, in the order in which they end. */
  ended(sample: Sample): void {
    if (this.#isSettled || sample.isUnfinished) return;
    if (!isBarred(sample)) {
      this.#isSettled = true;
      this.close();
      return;
    }
    this.#count++;
    if (this.#first === null) {
      this.#first = sample;
      this.#timer = setTimeout(() => {
        this.#isTime = true;
        this.#look();
      }, PATIENCE_MS);
    } else if (this.#isTime) this.#look();
  }

  #look(): void {
    if (this.#isSettled || (!isFinal(this.#first!) && this.#count < ENOUGH)) return;
    this.#isSettled = true;
    this.#onBarred(this.#first!.said!);
  }

  /** What was wrong with all of it; null: something came, or nothing has ended. */
  get why(): string | null {
    return this.#isSettled ? null : (this.#first?.said ?? null);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
