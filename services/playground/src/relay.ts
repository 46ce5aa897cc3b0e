/** Takes the page's calls to the router, with the key that only this server knows, and the answers back as they come. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { PlaygroundError } from './answer.ts';

/** All that is relayed. Anything else of the router stays out of reach. */
const RELAYED: Readonly<Record<string, 'GET' | 'POST'>> = {
  '/v1/chat/completions': 'POST',
  '/v1/route': 'POST',
  '/v1/models': 'GET',
  '/config': 'GET',
};

/** A conversation with a few pictures; the router has a limit of its own. */
export const MAX_BODY_BYTES = 6 * 1024 * 1024;
/** A router that is up answers a connection at once; the answer itself may take as long as the router lets it. */
const CONNECT_MS = 10_000;

/** Headers of the router's answer that the page reads. */
const PASSED =
  /^(?:content-type|cache-control|retry-after|x-accel-buffering|x-request-id|x-chosen-classifier|x-llm-router-.+|x-ratelimit-.+)$/;
const JSON_OR_STREAM = /^(?:application\/json|text\/event-stream)\s*(?:;|$)/i;

export interface RelayOptions {
  /** Base URL of the router. */
  readonly router: URL;
  readonly apiKey: string | null;
}

/** The method that a path is relayed with; undefined: it is not. */
export const relayedMethod = (path: string): 'GET' | 'POST' | undefined =>
  Object.hasOwn(RELAYED, path) ? RELAYED[path] : undefined;

/** What is over the limit is still received, and thrown away: an answer before that would not reach the browser. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw new PlaygroundError(415, 'unsupported_media_type', 'content-type must be application/json');
  }
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size <= MAX_BODY_BYTES) parts.push(part as Buffer);
  }
  if (size <= MAX_BODY_BYTES) return Buffer.concat(parts);
  throw new PlaygroundError(
    413,
    'request_too_large',
    `The body is larger than the playground takes (${MAX_BODY_BYTES} bytes)`,
  );
}

function answerHeaders(upstream: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'cache-control': 'no-store' };
  for (const [name, value] of Object.entries(upstream.headers)) {
    if (value !== undefined && PASSED.test(name)) headers[name] = value;
  }
  // A server that is no router must not be able to put a page of its own into this origin.
  if (!JSON_OR_STREAM.test(upstream.headers['content-type'] ?? '')) headers['content-type'] = 'text/plain';
  return headers;
}

const unreachable = (router: URL, error: Error) =>
  new PlaygroundError(
    502,
    'router_unreachable',
    `No answer from the router at ${router.origin} (${(error as NodeJS.ErrnoException).code ?? error.message}). Is it running? LLM_ROUTER_URL names it.`,
    {},
    error,
  );

/**
 * Relays one call. Bytes pass as they come; a browser that goes away ends the call to the router.
 *
 * @throws PlaygroundError when there is nothing to relay: a bad body, no router
 */
export async function relay(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  { router, apiKey }: RelayOptions,
): Promise<void> {
  const body = request.method === 'POST' ? await readBody(request) : null;
  if (response.destroyed) return;
  const send = router.protocol === 'https:' ? httpsRequest : httpRequest;
  await new Promise<void>((resolve, reject) => {
    // Clients are told the base URL with /v1 and without; both mean the same.
    const base = router.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
    const call = send(new URL(base + path, router), {
      method: request.method,
      // A connection a call: nothing to pool for one page, and no stale socket to stumble over.
      agent: false,
      headers: {
        accept: request.headers.accept ?? '*/*',
        'accept-encoding': 'identity',
        'user-agent': 'llm-router-playground',
        ...(apiKey !== null && { authorization: `Bearer ${apiKey}` }),
        ...(body && { 'content-type': 'application/json', 'content-length': body.length }),
      },
    });
    const timer = setTimeout(
      () => call.destroy(new Error(`no connection within ${CONNECT_MS / 1000} s`)),
      CONNECT_MS,
    );
    call.once('socket', (socket) => socket.once('connect', () => clearTimeout(timer)));
    response.once('close', () => {
      call.destroy();
      resolve();
    });
    call.once('error', (error) => {
      clearTimeout(timer);
      if (response.headersSent) response.destroy();
      else reject(unreachable(router, error));
    });
    call.once('response', (upstream) => {
      response.writeHead(upstream.statusCode ?? 502, answerHeaders(upstream));
      response.flushHeaders();
      // An answer that breaks off must not look whole.
      upstream.once('error', () => response.destroy()).pipe(response);
    });
    call.end(body ?? undefined);
  });
}
