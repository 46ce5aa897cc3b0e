/** One openai SDK client and one connection pool per upstream. */
import type { Readable } from 'node:stream';
import OpenAI, { type ClientOptions } from 'openai';
import { Agent, type Dispatcher } from 'undici';
import type { Target } from '../../config/types.ts';
import { keepOnly, targetKey } from '../health/target-key.ts';
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
  /** Of the client's headers, those that go upstream. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface PassOptions {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | Readable | null;
  readonly signal: AbortSignal;
}

export interface TransportLimits {
  /** Longest response headers taken, bytes; more is a fault of the upstream. */
  readonly maxHeaderBytes: number;
  readonly connectionsPerTarget: number;
}

/** Idle connections are closed before most servers do it, which would break the next request on them. */
const KEEP_ALIVE_MS = 30_000;
/** The SDK's own timer is out of the way: the longest that a timer can be set to. */
const NEVER_MS = 2 ** 31 - 1;

export class Transport {
  readonly #limits: TransportLimits;
  readonly #lines = new Map<string, Line>();

  constructor(limits: TransportLimits) {
    this.#limits = limits;
  }

  #line(target: Target): Line {
    const key = targetKey(target);
    let line = this.#lines.get(key);
    if (!line) {
      line = this.#connect(target);
      this.#lines.set(key, line);
    }
    return line;
  }

  #connect(target: Target): Line {
    const agent = new Agent({
      connections: this.#limits.connectionsPerTarget,
      connect: { timeout: target.timeouts.connect_ms },
      // First-byte, idle and total limits are kept per attempt; undici's own (300 s) would only contradict them.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Also where the upstream hints at more.
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: this.#limits.maxHeaderBytes,
      // An abort has to end the upstream's work, and over HTTP/1.1 a closed socket always does.
      allowH2: false,
    });
    const sdk = new OpenAI({
      baseURL: target.apiBase,
      apiKey: target.apiKey?.reveal() ?? 'none',
      organization: null,
      project: null,
      maxRetries: 0,
      timeout: NEVER_MS,
      logLevel: 'off',
      fetch: createFetch(agent) as unknown as NonNullable<ClientOptions['fetch']>,
    });
    return { sdk, agent };
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

  /** Sends a request that is passed on as it came, on the target's own connections. */
  async pass(target: Target, options: PassOptions): Promise<UpstreamResponse> {
    const { agent } = this.#line(target);
    const base = new URL(target.apiBase);
    const answer = await agent.request({
      origin: base.origin,
      path: `${base.pathname.replace(/\/$/, '')}${options.path}${options.search}`,
      method: options.method as Dispatcher.HttpMethod,
      headers: {
        'accept-encoding': 'identity',
        ...(target.apiKey && { authorization: `Bearer ${target.apiKey.reveal()}` }),
        ...options.headers,
      },
      body: options.body,
      signal: options.signal,
    });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body };
  }

  /** Forgets the pools of targets that have left the table; their open calls end in peace. */
  keep(targets: Iterable<Target>): void {
    for (const line of keepOnly(this.#lines, targets)) void line.agent.close();
  }

  async close(): Promise<void> {
    const lines = [...this.#lines.values()];
    this.#lines.clear();
    await Promise.all(lines.map((line) => line.agent.destroy()));
  }
}
