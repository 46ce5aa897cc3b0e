/** Progress on standard error: a bar in a terminal, a line now and then in a log. Standard output stays for results. */

/** What takes no longer needs no bar. */
const SILENT_MS = 2_000;
const BAR_MS = 100;
const LINE_MS = 10_000;
const WIDTH = 30;

export interface Progress {
  readonly update: (done: number, of: number) => void;
  /** Takes the bar away, so that what is printed next stands on a line of its own. */
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
      stream.write(stream.isTTY ? `\r${line(done, of)}` : `${line(done, of)}\n`);
    },
    end: () => {
      if (shown && stream.isTTY) stream.write(`\r${' '.repeat(what.length + WIDTH + 40)}\r`);
      shown = false;
    },
  };
}

/** Says every now and then that something of unknown length goes on. */
export async function waiting<T>(what: string, work: Promise<T>, stream = process.stderr): Promise<T> {
  const started = Date.now();
  let shown = false;
  const timer = setInterval(
    () => {
      const seconds = Math.round((Date.now() - started) / 1000);
      stream.write(stream.isTTY ? `\r${what} … ${seconds} s` : `${what} … ${seconds} s\n`);
      shown = true;
    },
    stream.isTTY ? SILENT_MS / 2 : LINE_MS,
  );
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (shown && stream.isTTY) stream.write(`\r${' '.repeat(what.length + 12)}\r`);
  }
}
