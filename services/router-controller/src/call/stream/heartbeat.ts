/** Comment lines before a slow first token, so that idle proxies don't cut the connection. Both SDKs ignore them. */

import { STREAM_HEADERS } from '../transport/headers.ts';
import type { ClientResponse } from './client-response.ts';

const PING = Buffer.from(': ping\n\n');

/**
 * Sends status and headers early, then a comment every `everyMs` until stopped. After the first one, failures can only
 * be told by an error event; falling back among targets still works.
 *
 * @returns stop
 */
export function startHeartbeat(
  client: ClientResponse,
  everyMs: number,
  headers: Readonly<Record<string, string>>,
): () => void {
  if (everyMs <= 0) return () => {};
  const timer = setInterval(() => {
    if (client.destroyed || client.writableEnded) return;
    if (!client.headersSent) {
      client.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        ...STREAM_HEADERS,
        ...headers,
      });
    }
    client.write(PING);
  }, everyMs);
  return () => clearInterval(timer);
}
