/** Many questions to the router, a few at a time. Free of the DOM, so that Node tests it. */

export interface Refusal {
  /** Seconds to wait; null: it is no matter of waiting. */
  readonly retryAfter: number | null;
}

export interface RunOptions<T> {
  readonly count: number;
  /** How many are asked at a time. */
  readonly width: number;
  readonly signal: AbortSignal;
  /** Asks one. What it throws is given to {@link refused}. */
  readonly ask: (index: number) => Promise<T>;
  /** Whether an error says to wait; null: it is the row's own. */
  readonly refused: (error: unknown) => Refusal | null;
  readonly done: (index: number, answer: T) => void;
  readonly failed: (index: number, error: unknown) => void;
  /** Told when all wait, with the seconds; 0: they go on. */
  readonly waiting: (seconds: number) => void;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A wait longer than this is told in place of being waited out: a budget that is spent until tomorrow, say. */
export const LONGEST_WAIT_SECONDS = 120;

function sleepFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/**
 * Asks every row once, rows that were told to wait again after it; all wait together, because the limit is theirs together.
 *
 * @throws what said to wait longer than {@link LONGEST_WAIT_SECONDS}; the rest stays unasked
 */
export async function runRows<T>(options: RunOptions<T>): Promise<void> {
  const { count, width, signal, ask, refused, done, failed, waiting, sleep = sleepFor } = options;
  const again: number[] = [];
  let next = 0;
  let pause: Promise<void> | null = null;
  let ended: { error: unknown } | null = null;
  const worker = async () => {
    for (;;) {
      while (pause) await pause;
      if (signal.aborted || ended) return;
      const index = again.pop() ?? (next < count ? next++ : null);
      if (index === null) return;
      try {
        const answer = await ask(index);
        if (!signal.aborted) done(index, answer);
      } catch (error) {
        if (signal.aborted) return;
        const refusal = refused(error);
        if (refusal?.retryAfter == null) failed(index, error);
        else {
          again.push(index);
          const seconds = Math.max(1, refusal.retryAfter);
          if (seconds > LONGEST_WAIT_SECONDS) ended ??= { error };
          else if (!pause) {
            waiting(seconds);
            pause = sleep(seconds * 1000, signal).then(() => {
              pause = null;
              waiting(0);
            });
          }
        }
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker));
  // A worker may have found nothing to do while another one was told to wait.
  while (again.length > 0 && !signal.aborted && !ended) await worker();
  if (ended) throw (ended as { error: unknown }).error;
}
