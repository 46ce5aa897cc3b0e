/** One openai SDK client and one connection pool per upstream. */
import OpenAI, { type ClientOptions } from 'openai';
import { Agent } from 'undici';
import type { Target } from '../config/types.ts';
import { createFetch, type RawResponse, type UpstreamResponse } from './fetch-undici.ts';

interface Line {
  readonly sdk: OpenAI;
  readonly agent: Agent;
}

export interface SendOptions {
  /** Request path as the client sent it, such as /v1/chat/completions. */
  readonly path: string;
  /** Serialised JSON. */
  readonly body: Buffer;
  readonly stream: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Longest response headers taken, bytes; more is a fault of the upstream. */
const MAX_HEADER_BYTES = 64 * 1024;
const CONNECTIONS_PER_TARGET = 1_024;

export class Transport {
  /** Keyed by the target object: a reload brings new ones, and the old ones' pools end with their last answer. */
  readonly #lines = new Map<Target, Line>();

  #line(target: Target): Line {
    let line = this.#lines.get(target);
    if (!line) {
      const agent = new Agent({
        connections: CONNECTIONS_PER_TARGET,
        connect: { timeout: target.timeouts.connect_ms },
        // First-byte, idle and total limits are kept per attempt; undici's own (300 s) would only contradict them.
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: 30_000,
        maxHeaderSize: MAX_HEADER_BYTES,
      });
      const sdk = new OpenAI({
        baseURL: target.apiBase,
        apiKey: target.apiKey?.reveal() ?? 'none',
        organization: null,
        project: null,
        maxRetries: 0,
        timeout: 2 ** 31 - 1,
        logLevel: 'off',
        fetch: createFetch(agent) as unknown as NonNullable<ClientOptions['fetch']>,
      });
      line = { sdk, agent };
      this.#lines.set(target, line);
    }
    return line;
  }

  /** Sends and resolves with status and headers; the body is unread. Rejects with undici's or the SDK's errors. */
  async send(target: Target, options: SendOptions): Promise<UpstreamResponse> {
    const { sdk } = this.#line(target);
    const response = await sdk
      .post(options.path, {
        body: options.body as unknown as Record<string, unknown>,
        headers: {
          'content-type': 'application/json',
          accept: options.stream ? 'text/event-stream' : 'application/json',
          ...(target.apiKey === null && { authorization: null }),
          ...options.headers,
          ...target.headers,
        },
        signal: options.signal,
        maxRetries: 0,
      })
      .asResponse();
    return (response as unknown as RawResponse).upstream;
  }

  /** Forgets the pools of targets that have left the table; their open calls end in peace. */
  keep(targets: Iterable<Target>): void {
    const kept = new Set(targets);
    for (const [target, line] of this.#lines) {
      if (kept.has(target)) continue;
      this.#lines.delete(target);
      void line.agent.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lines.values()].map((line) => line.agent.destroy()));
    this.#lines.clear();
  }
}
