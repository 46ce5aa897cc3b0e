/** What the router sends of its own accord, to webhooks and object stores: one small request at a time, nothing followed. */
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';

import { proxyByEnv } from './proxy.ts';
import { retryAfterMs } from './retry-after.ts';

export interface Sent {
  readonly status: number;
  /** Pause that the receiver asked for, milliseconds; null: none. */
  readonly retryAfterMs: number | null;
}

export interface OutgoingRequest {
  readonly method: 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
  /** Longest wait for the whole answer, milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Of an answer's body so much is read, so that its connection may be used again. */
const READ_BYTES = 64 * 1024;
const HEADER_BYTES = 16 * 1024;
const KEEP_ALIVE_MS = 4_000;

/** One receiver's connections. As for targets: a proxy as the environment names it, TLS by the machine's trust. */
export class Outgoing {
  readonly #dispatcher: Dispatcher;

  /** @throws Error where the environment names a proxy that can't be one. */
  constructor(base: string, connections = 1) {
    const options = {
      connections,
      pipelining: 1,
      maxHeaderSize: HEADER_BYTES,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      allowH2: false,
    };
    const proxy = proxyByEnv(base);
    this.#dispatcher = proxy === null ? new Agent(options) : new ProxyAgent({ ...options, uri: proxy });
  }

  /** @throws Error with words that hold no address, when there is no whole answer in time. */
  async send({ method, url, headers, body, timeoutMs, signal }: OutgoingRequest): Promise<Sent> {
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const answer = await request(url, {
        method,
        headers,
        body,
        dispatcher: this.#dispatcher,
        headersTimeout: 0,
        bodyTimeout: 0,
        signal: signal ? AbortSignal.any([late, signal]) : late,
      });
      await answer.body.dump({ limit: READ_BYTES });
      return { status: answer.statusCode, retryAfterMs: retryAfterMs(answer.headers['retry-after']) };
    } catch (error) {
      if (late.aborted) throw new Error(`no answer within ${timeoutMs} ms`, { cause: error });
      if (signal?.aborted) throw new Error('given up, because the process stops', { cause: error });
      const { code, message } = rootOf(error);
      throw new Error(code ?? message, { cause: error });
    }
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }
}

function rootOf(error: unknown): { code?: string; message: string } {
  let root = error as Error & { code?: string };
  while (root.cause instanceof Error) root = root.cause as typeof root;
  return { ...(root.code !== undefined && { code: root.code }), message: root.message };
}
