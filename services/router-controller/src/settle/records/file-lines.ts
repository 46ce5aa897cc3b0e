/** Lines in a file that is begun anew when it is full; some of the full ones are kept. */
import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../../observe/index.ts';
import type { CountLines, Lines } from './lines.ts';

export interface FileLinesOptions {
  readonly path: string;
  readonly max_bytes: number;
  readonly keep: number;
  /** Names it in the log: `decision log`. */
  readonly what: string;
  readonly count: CountLines;
  readonly log: Logger;
}

/** Lines that may wait for the disk; past it they are dropped and counted. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

export class FileLines implements Lines {
  readonly #options: FileLinesOptions;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #size: number | null = null;
  #writing: Promise<void> | null = null;
  #failed = false;

  constructor(options: FileLinesOptions) {
    this.#options = options;
  }

  add(text: string): void {
    const line = `${text}\n`;
    if (this.#waitingBytes + line.length > MAX_WAITING_BYTES) {
      this.#options.count('dropped', 1);
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
  }

  async close(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #write(): Promise<void> {
    const { path, what, count, log } = this.#options;
    // Lines of the same turn go out together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      const bytes = this.#waitingBytes;
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        await this.#append(lines.join(''));
        count('written', lines.length);
        if (this.#failed) log.info(`${what} is written again`, { path });
        this.#failed = false;
      } catch (error) {
        count('dropped', lines.length);
        // Once, not once a request.
        if (!this.#failed)
          log.error(`${what} can’t be written; its lines are dropped`, {
            path,
            problem: (error as Error).message,
            bytes,
          });
        this.#failed = true;
        this.#size = null;
      }
    }
  }

  async #append(text: string): Promise<void> {
    const { path, max_bytes, keep } = this.#options;
    if (this.#size === null) {
      await mkdir(dirname(path), { recursive: true });
      this.#size = await stat(path).then(
        ({ size }) => size,
        () => 0,
      );
    }
    const bytes = Buffer.byteLength(text);
    if (this.#size > 0 && this.#size + bytes > max_bytes) {
      await rotate(path, keep);
      this.#size = 0;
    }
    await appendFile(path, text, { mode: 0o600 });
    this.#size += bytes;
  }
}

/** `log` → `log.1` → … → `log.<keep>`; the oldest goes. */
async function rotate(path: string, keep: number): Promise<void> {
  const missing = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  };
  await rm(keep === 0 ? path : `${path}.${keep}`, { force: true });
  for (let index = keep - 1; index >= 1; index--)
    await rename(`${path}.${index}`, `${path}.${index + 1}`).catch(missing);
  if (keep > 0) await rename(path, `${path}.1`).catch(missing);
}
