/** The call step's clock and timers, so that a proof can run at the shipped limits without waiting for them. */

export interface Timer {
  /** Begins anew, with the same time. */
  refresh(): void;
  stop(): void;
}

export interface Time {
  /** Milliseconds that only grow. */
  now(): number;
  after(ms: number, run: () => void): Timer;
  every(ms: number, run: () => void): Timer;
}

export const REAL_TIME: Time = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return { refresh: () => void timer.refresh(), stop: () => clearTimeout(timer) };
  },
  every: (ms, run) => {
    const timer = setInterval(run, ms);
    return { refresh: () => void timer.refresh(), stop: () => clearInterval(timer) };
  },
};

/** Resolves after so long, or at once when the signal is aborted. */
export function sleep(time: Time, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      timer.stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = time.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
