/** Where log lines go: a file descriptor, written without ever holding up the process. */
import { write, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes that may wait; past it lines are dropped and counted. */
const MAX_WAITING = 4 * 1024 * 1024;
/** Bytes a write; a pipe takes as many at once. */
const BATCH = 64 * 1024;
/**
 * Lines of so long go out together, milliseconds: a write of its own would cost a request more than all of its logging. A process
 * that is killed by force (SIGKILL) loses them.
 */
const GATHER_MS = 50;
/** A descriptor that others have made non-blocking is tried again after so long. */
const RETRY_MS = 20;
/** How long a full descriptor may hold up the end of a process, milliseconds. */
const FAREWELL_MS = 500;
/** Nobody ever wakes who waits on it: a pause without the event loop, which has ended by then. */
const PAUSE = new Int32Array(new SharedArrayBuffer(4));

export interface LineSinkOptions {
  readonly fd: number;
  readonly maxWaiting?: number;
  /** Bytes of one write, unless a line alone is longer. */
  readonly batch?: number;
  readonly onDropped?: (lines: number) => void;
}

/**
 * Writes lines with one asynchronous write at a time. Node's own `process.stderr` writes to pipes and files
 * synchronously: a reader that stops would stop every request. Here a reader that stops costs its lines.
 */
export class LineSink {
  readonly #fd: number;
  readonly #max: number;
  readonly #batch: number;
  readonly #onDropped: (lines: number) => void;
  #lines: Buffer[] = [];
  #waiting = 0;
  #running: Promise<void> | null = null;
  /** Dropped since the last line about it. */
  #dropped = 0;
  #closed = false;
  #inFlight = false;
  /** Ends the wait for more lines. */
  #hurry: (() => void) | null = null;

  constructor({ fd, maxWaiting = MAX_WAITING, batch = BATCH, onDropped = () => {} }: LineSinkOptions) {
    this.#fd = fd;
    this.#max = maxWaiting;
    this.#batch = batch;
    this.#onDropped = onDropped;
  }

  /** Bytes that wait, those being written included. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Takes a line with its line feed. Never throws, never waits. */
  push(bytes: Buffer): void {
    if (this.#closed || this.#waiting + bytes.length > this.#max) {
      this.#drop(1);
      return;
    }
    this.#lines.push(bytes);
    this.#waiting += bytes.length;
    if (this.#waiting >= BATCH) this.#hurry?.();
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when all that was pushed is written, or after the time, milliseconds. */
  async drained(ms: number): Promise<void> {
    this.#hurry?.();
    if (this.#running) await Promise.race([this.#running, sleep(ms, undefined, { ref: false })]);
  }

  /** At the end of the process: what still waits goes out, unless the reader has stopped reading for half a second. */
  flushSync(): void {
    if (this.#inFlight || this.#closed) return;
    try {
      while (this.#lines.length > 0) {
        const { bytes } = this.#take();
        for (let at = 0; at < bytes.length; ) at += this.#writeSync(bytes.subarray(at));
      }
    } catch {
      // Nobody reads any more.
      this.#lines = [];
    }
    this.#waiting = 0;
  }

  /** @throws Error when the reader is gone, or does not go on reading. */
  #writeSync(bytes: Buffer): number {
    for (let waited = 0; ; waited += RETRY_MS)
      try {
        return writeSync(this.#fd, bytes);
      } catch (error) {
        // A descriptor that others have made non-blocking is full until its reader has taken some.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || waited >= FAREWELL_MS) throw error;
        Atomics.wait(PAUSE, 0, 0, RETRY_MS);
      }
  }

  #drop(lines: number): void {
    this.#dropped += lines;
    this.#onDropped(lines);
  }

  #take(): { bytes: Buffer; lines: number } {
    let size = 0;
    let count = 0;
    while (count < this.#lines.length && (count === 0 || size + this.#lines[count]!.length <= this.#batch))
      size += this.#lines[count++]!.length;
    return { bytes: Buffer.concat(this.#lines.splice(0, count)), lines: count };
  }

  async #run(): Promise<void> {
    await this.#gather();
    while (this.#lines.length > 0) {
      const { bytes, lines } = this.#take();
      try {
        for (let at = 0; at < bytes.length; ) at += await this.#write(bytes.subarray(at));
      } catch {
        // The reader is gone for good (EPIPE, EBADF): nothing more will arrive.
        this.#closed = true;
        this.#drop(lines + this.#lines.length);
        this.#lines = [];
        this.#waiting = 0;
        return;
      }
      this.#waiting -= bytes.length;
      if (this.#dropped > 0) this.#tellDropped();
    }
  }

  #gather(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#hurry?.(), GATHER_MS);
      this.#hurry = () => {
        clearTimeout(timer);
        this.#hurry = null;
        resolve();
      };
    });
  }

  /** The reader must know that what it has is not all. */
  #tellDropped(): void {
    const line = {
      level: 'warn',
      message: 'log lines were dropped: their reader was too slow',
      lines: this.#dropped,
      timestamp: new Date().toISOString(),
    };
    this.#dropped = 0;
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    this.#lines.unshift(bytes);
    this.#waiting += bytes.length;
  }

  async #write(bytes: Buffer): Promise<number> {
    this.#inFlight = true;
    const { error, written } = await new Promise<{ error: NodeJS.ErrnoException | null; written: number }>(
      (resolve) => write(this.#fd, bytes, (failed, count) => resolve({ error: failed, written: count })),
    );
    this.#inFlight = false;
    if (!error) return written;
    if (error.code !== 'EAGAIN' && error.code !== 'EINTR') throw error;
    await sleep(RETRY_MS);
    return 0;
  }
}
