/**
 * Prompts that arrive together share one ModelInfer, and equal texts in flight share one place in it: a gRPC call costs
 * the controller more CPU than all its other work on a decision.
 */
import {
  aborted,
  type CallOptions,
  ClassifierError,
  type InferResult,
  type RawAnswer,
} from './model-client.ts';

export interface SharedAnswer {
  readonly answer: RawAnswer;
  readonly modelVersion: string;
  /** True when another request's call for the same text was joined. */
  readonly joined: boolean;
}

/** How one text is to be classified. */
export interface TextOptions extends CallOptions {
  /** Whose equal texts may share a place: an answer that comes early tells that somebody else asks the same. */
  readonly sharedWith?: string;
}

type Send = (texts: readonly string[], options: Required<CallOptions>) => Promise<InferResult>;

interface Place {
  readonly key: string;
  readonly text: string;
  readonly done: PromiseWithResolvers<{ answer: RawAnswer; modelVersion: string }>;
  deadlineAt: number;
  waiting: number;
  abandon: () => void;
}

/** Texts of like length go together: a batch is padded to its longest row, so a short prompt would pay for a long one. */
const SIZE_CLASSES = [200, 800, 3_000, Number.POSITIVE_INFINITY];

/** So long every text goes alone where several were answered wrongly and each was answered well, milliseconds. */
const ALONE_MS = 5 * 60_000;

const sizeClass = (text: string) => SIZE_CLASSES.findIndex((limit) => text.length <= limit);

/** Waits for a shared promise with a deadline and a signal of one's own; leaves no timer or listener behind. */
function waitFor<T>(promise: Promise<T>, { deadlineMs, signal }: CallOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    const over = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: unknown) => {
      over();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new ClassifierError('timeout', `no answer within ${deadlineMs} ms`)),
      deadlineMs,
    );
    const onAbort = () => fail(aborted());
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    promise.then((value) => {
      over();
      resolve(value);
    }, fail);
  });
}

export class PromptBatcher {
  readonly #send: Send;
  readonly #maxBatch: () => number;
  readonly #onAlone: (problem: string) => void;
  #aloneUntil = Number.NEGATIVE_INFINITY;
  /**
   * By text. A place stands in a box that is emptied when it ends: dead tables of a Map outlive what they held (in-flight.ts),
   * and a place holds on to all that waits for it.
   */
  readonly #places = new Map<string, { place: Place | null }>();
  #queue: Place[] = [];
  #scheduled = false;

  /**
   * @param send one call for several texts.
   * @param maxBatch how many texts one call may carry now.
   * @param onAlone hears what was wrong with a model's answer for several texts, before each is asked alone for a while.
   */
  constructor(send: Send, maxBatch: () => number, onAlone: (problem: string) => void = () => {}) {
    this.#send = send;
    this.#maxBatch = maxBatch;
    this.#onAlone = onAlone;
  }

  /** @throws ClassifierError */
  async classify(text: string, options: TextOptions): Promise<SharedAnswer> {
    const key = JSON.stringify(options.sharedWith ?? null) + text;
    const known = this.#places.get(key)?.place;
    const place = known ?? this.#enqueue(key, text);
    place.deadlineAt = Math.max(place.deadlineAt, performance.now() + options.deadlineMs);
    place.waiting++;
    try {
      return { ...(await waitFor(place.done.promise, options)), joined: known != null };
    } finally {
      if (--place.waiting === 0) {
        this.#forget(place);
        place.abandon();
      }
    }
  }

  #enqueue(key: string, text: string): Place {
    const place: Place = {
      key,
      text,
      done: Promise.withResolvers(),
      deadlineAt: 0,
      waiting: 0,
      abandon: () => {
        this.#queue = this.#queue.filter((other) => other !== place);
      },
    };
    // Everybody may have left by the time it fails; that is no unhandled rejection.
    place.done.promise.catch(() => {});
    this.#places.set(key, { place });
    this.#queue.push(place);
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.#flush());
    }
    return place;
  }

  #forget(place: Place): void {
    const box = this.#places.get(place.key);
    if (box?.place !== place) return;
    box.place = null;
    this.#places.delete(place.key);
  }

  #flush(): void {
    this.#scheduled = false;
    const groups = Map.groupBy(this.#queue, (place) => sizeClass(place.text));
    this.#queue = [];
    const max = performance.now() < this.#aloneUntil ? 1 : Math.max(1, this.#maxBatch());
    for (const group of groups.values()) {
      for (let at = 0; at < group.length; at += max) void this.#call(group.slice(at, at + max));
    }
  }

  /** @returns whether it went well. */
  async #call(places: Place[]): Promise<boolean> {
    const controller = new AbortController();
    let left = places.length;
    for (const place of places) {
      place.abandon = () => {
        if (--left === 0) controller.abort();
      };
    }
    const deadlineMs = Math.max(1, Math.max(...places.map((place) => place.deadlineAt)) - performance.now());
    try {
      const texts = places.map((place) => place.text);
      const result = await this.#send(texts, { deadlineMs, signal: controller.signal });
      for (const [i, place] of places.entries()) {
        // Nothing is left to give up, and an abort that nobody hears costs an error of its own.
        place.abandon = () => {};
        place.done.resolve({ answer: result.answers[i]!, modelVersion: result.modelVersion });
      }
      return true;
    } catch (error) {
      const reason = error instanceof ClassifierError ? error.reason : 'other';
      // One text that the model refuses must not fail its batch mates: ask again one by one.
      if (places.length > 1 && (reason === 'other' || reason === 'bad_answer')) {
        const wanted = places.filter((place) => place.waiting > 0);
        const went = await Promise.all(wanted.map((place) => this.#call([place])));
        if (reason === 'bad_answer' && went.length > 0 && went.every(Boolean))
          this.#askAlone((error as Error).message);
        return true;
      }
      for (const place of places) place.done.reject(error);
      return false;
    } finally {
      for (const place of places) this.#forget(place);
    }
  }

  /** A model may say that it takes several texts, and answer one of them: it would be asked twice for each. */
  #askAlone(problem: string): void {
    const now = performance.now();
    if (now < this.#aloneUntil) return;
    this.#aloneUntil = now + ALONE_MS;
    this.#onAlone(problem);
  }
}
