/**
 * A dispatcher's `request` over Node's own client, for upstreams whose answers undici can't read: one that sends `100 Continue`
 * without being asked, which RFC 9110 (15.2) has clients ignore, ends undici's connection.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { tlsOptions } from '../../config/tls.ts';
import type { Target } from '../../config/types.ts';
import { rootCause } from '../attempts/outcome.ts';
import type { TransportLimits } from './dispatcher.ts';
import { bodyOf, type UpstreamAnswer } from './upstream-answer.ts';

export interface NodeRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  readonly signal: AbortSignal | null;
}

/** How undici tells of an interim answer that it does not take. */
export function isUnaskedContinue(error: unknown): boolean {
  const { code, message } = rootCause(error);
  return code === 'UND_ERR_SOCKET' && message === 'bad response';
}

export class NodeClient {
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #secure: boolean;
  readonly #limits: TransportLimits;
  readonly #connectMs: number;

  constructor(target: Target, limits: TransportLimits) {
    this.#secure = target.apiBase.startsWith('https:');
    this.#limits = limits;
    this.#connectMs = target.timeouts.connect_ms;
    const options = { keepAlive: true, maxSockets: limits.connectionsPerTarget };
    this.#agent = this.#secure
      ? new HttpsAgent({ ...options, ...tlsOptions(target.tls) })
      : new HttpAgent(options);
  }

  /** Resolves with status and headers; the body is unread. */
  request({ url, method, headers, body, signal }: NodeRequest): Promise<UpstreamAnswer> {
    return new Promise((resolve, reject) => {
      const send = this.#secure ? httpsRequest : httpRequest;
      const call = send(url, {
        method,
        agent: this.#agent,
        headers: { ...headers, 'content-length': body?.length ?? 0 },
        maxHeaderSize: this.#limits.maxHeaderBytes,
        ...(signal && { signal }),
      });
      call.once('socket', (socket) => {
        if (!socket.connecting) return;
        const late = setTimeout(
          () => call.destroy(Object.assign(new Error('not connected in time'), { code: 'ETIMEDOUT' })),
          this.#connectMs,
        );
        socket.once(this.#secure ? 'secureConnect' : 'connect', () => clearTimeout(late));
        socket.once('close', () => clearTimeout(late));
      });
      call.once('error', reject);
      call.once('response', (message: IncomingMessage) =>
        resolve({ status: message.statusCode ?? 0, headers: message.headers, body: bodyOf(message) }),
      );
      call.end(body);
    });
  }

  /** Takes no new request; those under way end in peace. */
  retire(): void {
    this.#agent.maxFreeSockets = 0;
    for (const sockets of Object.values(this.#agent.freeSockets))
      for (const socket of sockets ?? []) socket.destroy();
  }

  close(): void {
    this.#agent.destroy();
  }
}
