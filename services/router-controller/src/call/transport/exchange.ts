/**
 * One request over undici and its answer, without a stream of Node's between: a stream and its iterator cost more than the rest
 * of the call, and each of its chunks as much as reading an event.
 */
import type { Dispatcher } from 'undici';
import { ENOUGH, type Take, type UpstreamAnswer, type UpstreamBody } from './upstream-answer.ts';

/** Bytes that may wait for the reader; past it the upstream's socket is not read. */
const MOST_WAITING = 64 * 1024;

const DONE: IteratorResult<Buffer, undefined> = { done: true, value: undefined };

interface Flow {
  readonly take: Take;
  readonly resolve: (whole: boolean) => void;
  readonly reject: (error: unknown) => void;
  /** It has asked for time. */
  waits: boolean;
}

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export class Exchange implements Dispatcher.DispatchHandler, UpstreamBody {
  readonly #signal: AbortSignal;
  #controller: Dispatcher.DispatchController | null = null;
  #head: Waiting<UpstreamAnswer> | null = null;
  #reader: Waiting<IteratorResult<Buffer, undefined>> | null = null;
  #flow: Flow | null = null;
  #chunks: Buffer[] = [];
  #waiting = 0;
  #ended = false;
  #failed = false;
  #error: unknown;
  #ignored = false;

  private constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Resolves with status and headers; rejects with undici's errors, or with the signal's reason. */
  static send(
    dispatcher: Dispatcher,
    request: Dispatcher.DispatchOptions,
    signal: AbortSignal,
  ): Promise<UpstreamAnswer> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const exchange = new Exchange(signal);
      exchange.#head = { resolve, reject };
      signal.addEventListener('abort', exchange.#onAbort, { once: true });
      try {
        dispatcher.dispatch(request, exchange);
      } catch (error) {
        exchange.#fail(error);
      }
    });
  }

  readonly #onAbort = () => this.#abort(this.#signal.reason);

  #abort(reason: unknown): void {
    if (this.#ended || this.#failed) return;
    this.#fail(reason);
    // One that waits for a connection is ended when it has one, before anything of it is sent.
    this.#controller?.abort(reason as Error);
  }

  #over(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  #fail(error: unknown): void {
    if (this.#ended || this.#failed) return;
    this.#failed = true;
    this.#error = error;
    this.#over();
    this.#deliver();
    const waiting = this.#head ?? this.#reader;
    this.#head = null;
    this.#reader = null;
    waiting?.reject(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failed) controller.abort(this.#error as Error);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    // What comes before the answer proper is not for anybody here.
    if (status < 200) return;
    const head = this.#head;
    this.#head = null;
    head?.resolve({ status, headers, body: this });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ignored || this.#failed) return;
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    if (this.#waiting > MOST_WAITING) controller.pause();
    // Once all that was read with it has come: many events arrive as one, and go on as one.
    if ((this.#reader || this.#flow) && this.#chunks.length === 1) queueMicrotask(this.#deliver);
  }

  readonly #deliver = (): void => {
    this.#pour();
    const reader = this.#reader;
    if (!reader || this.#chunks.length === 0) return;
    this.#reader = null;
    reader.resolve({ done: false, value: this.#take() });
  };

  #take(): Buffer {
    const chunks = this.#chunks;
    const value = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, this.#waiting);
    this.#chunks = [];
    this.#waiting = 0;
    if (this.#controller?.paused) this.#controller.resume();
    return value;
  }

  onResponseEnd(): void {
    if (this.#failed) return;
    this.#ended = true;
    this.#over();
    // What came with the end goes before it.
    this.#deliver();
    const reader = this.#reader;
    this.#reader = null;
    reader?.resolve(DONE);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#chunks.length > 0) return Promise.resolve({ done: false, value: this.#take() });
    if (this.#failed) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  flow(take: Take): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#flow = { take, resolve, reject, waits: false };
      this.#pour();
    });
  }

  /** All that has come goes to who takes it, and then the end. */
  #pour(): void {
    const flow = this.#flow;
    if (!flow || flow.waits) return;
    try {
      const more = this.#chunks.length === 0 ? null : flow.take(this.#take());
      if (more === ENOUGH || (more === null && this.#ended)) {
        this.#flow = null;
        flow.resolve(more !== ENOUGH);
      } else if (more !== null) {
        flow.waits = true;
        const go = () => {
          flow.waits = false;
          this.#pour();
        };
        more.then(go, (error) => this.#break(error));
      } else if (this.#failed) this.#break(this.#error);
    } catch (error) {
      this.#break(error);
    }
  }

  #break(error: unknown): void {
    const flow = this.#flow;
    this.#flow = null;
    flow?.reject(error);
  }

  /** Forgets what has come, and what will. */
  #drop(): void {
    this.#ignored = true;
    this.#chunks = [];
    this.#waiting = 0;
  }

  ignore(): void {
    this.#drop();
    if (this.#controller?.paused) this.#controller.resume();
  }

  destroy(): void {
    this.#drop();
    this.#abort(new Error('no longer wanted'));
  }
}
