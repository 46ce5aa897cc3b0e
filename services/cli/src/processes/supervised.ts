/** A server that is no service of ours (Triton, Redis, Prometheus), started again when it dies. */
import { Restarts } from './restarts.ts';

/** What a started server has to offer. */
export interface Server {
  /** Resolves when its process has ended, however. */
  readonly exited: Promise<void>;
  readonly stop: () => Promise<void>;
}

export class Supervised<T extends Server> {
  readonly #name: string;
  readonly #begin: (signal: AbortSignal) => Promise<T>;
  readonly #restarts: Restarts;
  readonly #end = new AbortController();
  #starting: Promise<T> | null = null;

  /** @param begin starts it, at every call on the same ports; it gives up, and leaves nothing behind, on the signal. */
  constructor(name: string, begin: (signal: AbortSignal) => Promise<T>) {
    this.#name = name;
    this.#begin = begin;
    this.#restarts = new Restarts(name);
  }

  /** @throws Error when it does not start. */
  async start(): Promise<T> {
    this.#end.signal.throwIfAborted();
    this.#restarts.started();
    this.#starting = this.#begin(this.#end.signal);
    const server = await this.#starting;
    void server.exited.then(() => {
      if (this.#end.signal.aborted) return;
      console.error(`${this.#name} ended`);
      this.#restarts.schedule(async () => {
        // What is left of the dead one: children of its own, files.
        await server.stop();
        await this.start();
      });
    });
    return server;
  }

  async stop(): Promise<void> {
    this.#end.abort();
    this.#restarts.end();
    const server = await this.#starting?.catch(() => null);
    await server?.stop();
  }
}
