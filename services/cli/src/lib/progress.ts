/** Progress on standard error: a bar in a terminal, a line now and then in a log. Standard output stays for results. */

/** What takes no longer needs no bar. */
const SILENT_MS = 2_000;
const BAR_MS = 100;
const LINE_MS = 10_000;
const WIDTH = 30;

/** Back to the line's beginning, and nothing after it. */
const CLEAR = '\r\x1b[K';

export interface Progress {
  readonly update: (done: number, of: number) => void;
  /** Takes the bar away, so that what is printed next stands on a line of its own; it comes back with the next update. */
  readonly end: () => void;
}

/** @param what stands before the bar; empty: the bar alone. */
export function progress(what: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  const started = Date.now();
  let told = 0;
  let shown = false;
  const line = (done: number, of: number) => {
    const share = of > 0 ? done / of : 0;
    const filled = Math.min(WIDTH, Math.round(share * WIDTH));
    const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
    return `${what}${what && ' '}${bar} ${done} of ${of} (${Math.floor(share * 100)} %)`;
  };
  return {
    update: (done, of) => {
      const now = Date.now();
      if (now - started < SILENT_MS) return;
      if (done < of && now - told < (stream.isTTY ? BAR_MS : LINE_MS)) return;
      told = now;
      shown = true;
      stream.write(stream.isTTY ? `${CLEAR}${line(done, of)}` : `${line(done, of)}\n`);
    },
    end: () => {
      if (shown && stream.isTTY) stream.write(CLEAR);
      shown = false;
    },
  };
}

/**
 * Says every now and then that something of unknown length goes on.
 *
 * @param work is given what takes the words away, to be called before it prints anything
 */
export async function waiting<T>(
  what: string,
  work: (clear: () => void) => Promise<T>,
  stream: NodeJS.WriteStream = process.stderr,
): Promise<T> {
  const started = Date.now();
  let shown = false;
  const timer = setInterval(
    () => {
      const seconds = Math.round((Date.now() - started) / 1000);
      stream.write(stream.isTTY ? `${CLEAR}${what} … ${seconds} s` : `${what} … ${seconds} s\n`);
      shown = true;
    },
    stream.isTTY ? SILENT_MS / 2 : LINE_MS,
  );
  const clear = () => {
    if (shown && stream.isTTY) stream.write(CLEAR);
    shown = false;
  };
  try {
    return await work(clear);
  } finally {
    clearInterval(timer);
    clear();
  }
}
