/**
 * Counts tokens in a thread of its own, which begins with the first text to be counted and ends when there has been none
 * for a while. What can't be counted (too much waits, the thread fails) stays an estimate.
 */
import { Worker } from 'node:worker_threads';
import type { Logger } from '../observe/index.ts';
import type { Uncounted } from '../request.ts';
import type { CountReply, CountRequest } from './token-worker.ts';

export interface TokenCounterOptions {
  /** Characters that may wait to be counted. */
  readonly maxWaitingChars?: number;
  /** A thread that has not answered for so long is given up. */
  readonly limitMs?: number;
  /** The thread ends after so long without work, and gives its 70 MB back. */
  readonly idleMs?: number;
  /** The thread's code, for tests. */
  readonly worker?: URL;
}

const DEFAULTS: Required<TokenCounterOptions> = {
  maxWaitingChars: 16 * 1024 * 1024,
  limitMs: 30_000,
  idleMs: 300_000,
  worker: new URL('./token-worker.ts', import.meta.url),
};
/** Past it the thread is broken, not the router. */
const HEAP_MB = 256;
const RETELL_MS = 60_000;

interface Waiting {
  readonly chars: number;
  readonly done: (tokens: readonly number[] | null) => void;
}

const charsOf = (samples: readonly Uncounted[]) =>
  samples.reduce((sum, { texts }) => sum + texts.reduce((chars, text) => chars + text.length, 0), 0);

export class TokenCounter {
  readonly #log: Logger;
  readonly #options: Required<TokenCounterOptions>;
  #worker: Worker | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #waitingChars = 0;
  #sequence = 0;
  #timer: NodeJS.Timeout | null = null;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(log: Logger, options: TokenCounterOptions = {}) {
    this.#log = log;
    this.#options = { ...DEFAULTS, ...options };
  }

  /** True while the thread is there. */
  get running(): boolean {
    return this.#worker !== null;
  }

  /** Tokens of each sample; null when they were not counted. Never rejects. */
  count(samples: readonly Uncounted[]): Promise<readonly number[] | null> {
    const chars = charsOf(samples);
    if (this.#waitingChars + chars > this.#options.maxWaitingChars) return Promise.resolve(null);
    const id = ++this.#sequence;
    return new Promise((done) => {
      this.#waiting.set(id, { chars, done });
      this.#waitingChars += chars;
      try {
        this.#worker ??= this.#start();
        this.#worker.ref();
        this.#worker.postMessage({ id, samples } satisfies CountRequest);
        if (this.#waiting.size === 1) this.#watch();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #start(): Worker {
    const worker = new Worker(this.#options.worker, {
      name: 'token-counter',
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    worker.on('message', (reply: CountReply) => this.#answered(reply));
    worker.on('error', (error) => this.#fail(error, worker));
    worker.on('exit', () => this.#fail(new Error('it ended'), worker));
    return worker;
  }

  #answered({ id, tokens }: CountReply): void {
    this.#end(id, tokens);
    this.#watch();
  }

  #end(id: number, tokens: readonly number[] | null): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    this.#waitingChars -= waiting.chars;
    waiting.done(tokens);
  }

  /** Waits for the next answer, or for work. */
  #watch(): void {
    if (this.#timer) clearTimeout(this.#timer);
    const busy = this.#waiting.size > 0;
    if (busy) {
      this.#timer = setTimeout(() => this.#fail(new Error('it does not answer')), this.#options.limitMs);
    } else {
      // Nothing is owed, so it must not keep the process.
      this.#worker?.unref();
      this.#timer = setTimeout(() => void this.close(), this.#options.idleMs);
    }
    this.#timer.unref();
  }

  /** Lets go of the thread; what waits stays estimated, and the next text begins another. */
  #fail(error: unknown, worker = this.#worker): void {
    if (worker !== this.#worker) return;
    if (performance.now() - this.#toldAt >= RETELL_MS) {
      this.#toldAt = performance.now();
      this.#log.error('tokens can’t be counted; they are estimated', { problem: String(error) });
    }
    void this.close();
  }

  /** Ends the thread; what still waits is given up. */
  async close(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    const worker = this.#worker;
    this.#worker = null;
    for (const id of [...this.#waiting.keys()]) this.#end(id, null);
    await worker?.terminate();
  }
}
