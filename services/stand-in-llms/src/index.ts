/**
 * OpenAI-compatible stand-ins for the downstream LLMs. They answer to any model id, and every answer says that it
 * comes from a stand-in.
 *
 * @example
 * const llms = await startStandInLlms();
 * await fetch(`${llms.url}/v1/chat/completions`, { method: 'POST', body: '{"model":"m","messages":[…]}' });
 * await llms.close();
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { ChatRequest } from './answers.ts';
import { askedFault, type Fault } from './faults.ts';
import { otherAnswer } from './others.ts';
import { apiError, sendJson, serve } from './serve.ts';

export { completion } from './answers.ts';
export { type Fault, type FaultKind, parseFault } from './faults.ts';

/** The seed's NIM models, listed by /v1/models. Any other id is answered too. */
export const NIM_MODELS = [
  'meta/llama-3.1-70b-instruct',
  'meta/llama-3.1-8b-instruct',
  'mistralai/mixtral-8x22b-instruct-v0.1',
  'deepseek-ai/deepseek-r1',
] as const;

/** A request as a stand-in saw it, for tests. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly raw: Buffer;
  readonly body: ChatRequest & Record<string, unknown>;
  /** Resolves when the connection of this request has ended: true when the answer was whole. */
  readonly ended: Promise<boolean>;
}

/** Bytes of an answer as they are to be written, one write a chunk. */
export interface CustomAnswer {
  readonly status?: number;
  /** Default: `content-type: text/event-stream`. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly chunks: readonly Buffer[];
  /** Leaves the answer open after the last chunk. */
  readonly stall?: boolean;
}

export interface StandInOptions {
  readonly host?: string;
  readonly port?: number;
  /** Certificate for https. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Decides each request's fault; a fault that the request itself asks for goes first. */
  readonly fault?: (seen: Seen) => Fault | null;
  /** Replaces the stand-in's own answer, and answers for paths and methods that it does not have; null: its own. */
  readonly respond?: (seen: Seen) => CustomAnswer | null;
}

export interface StandIns {
  readonly url: string;
  /** The last thousand requests. */
  readonly seen: Seen[];
  /** Connections open now. */
  readonly sockets: () => number;
  readonly close: () => Promise<void>;
}

const KEPT = 1_000;
const MAX_BODY_BYTES = 64 * 1024 * 1024;

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > MAX_BODY_BYTES) throw new Error(`the body is larger than ${MAX_BODY_BYTES} bytes`);
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}

async function sendCustom(
  response: ServerResponse,
  { status, headers, chunks, stall }: CustomAnswer,
): Promise<void> {
  response.socket?.setNoDelay(true);
  response.writeHead(status ?? 200, { 'content-type': 'text/event-stream', ...headers });
  for (const chunk of chunks) {
    response.write(chunk);
    // One tick between writes, so that they leave as chunks of their own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!stall) response.end();
}

const OTHERS = /\/(?:embeddings|moderations|audio\/speech|audio\/transcriptions|images\/generations)$/;

const MODELS = {
  object: 'list',
  data: NIM_MODELS.map((id) => ({ id, object: 'model', created: 1_700_000_000, owned_by: 'stand-in' })),
};

/** Starts the stand-ins on one address; port 0, the default, takes a free one. */
export async function startStandInLlms(options: StandInOptions = {}): Promise<StandIns> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '/').split('?')[0]!;
    if (request.method === 'GET' && path.endsWith('/models')) {
      sendJson(response, 200, MODELS);
      return;
    }
    const kind = path.endsWith('/chat/completions') ? 'chat' : path.endsWith('/completions') ? 'text' : null;
    if (request.method === 'POST' && !kind && !options.respond && OTHERS.test(path)) {
      const other = otherAnswer(path, await readBody(request))!;
      response.writeHead(200, { 'content-type': other.type, 'content-length': other.body.length });
      response.end(other.body);
      return;
    }
    const known = request.method === 'POST' && kind !== null;
    if (!known && !options.respond) {
      const message = `no such path: ${request.method} ${path}; there are GET /v1/models and POST /v1/chat/completions`;
      sendJson(response, 404, apiError(message, 'invalid_request_error', 'not_found'));
      return;
    }
    const raw = await readBody(request);
    let body: Seen['body'];
    try {
      body = raw.length === 0 && !known ? {} : JSON.parse(raw.toString('utf8'));
    } catch {
      sendJson(response, 400, apiError('the body is not JSON', 'invalid_request_error', 'invalid_json'));
      return;
    }
    const ended = new Promise<boolean>((resolve) =>
      response.once('close', () => resolve(response.writableFinished)),
    );
    const noted: Seen = { method: request.method ?? '', path, headers: request.headers, raw, body, ended };
    seen.push(noted);
    if (seen.length > KEPT) seen.shift();
    const asked = askedFault(request.headers['x-stand-in-fault'], body.model);
    const fault = asked ?? options.fault?.(noted) ?? null;
    const custom = fault ? null : options.respond?.(noted);
    // v1's /completions carries chat bodies, so the body tells more than the path.
    const answerKind = kind === 'text' && body.messages === undefined ? 'text' : 'chat';
    if (custom) await sendCustom(response, custom);
    else if (!known && !fault) sendJson(response, 404, apiError(`no such path: ${request.method} ${path}`));
    else await serve(response, body, answerKind, fault);
  };

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    response.on('error', () => {});
    handle(request, response).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      if (!response.headersSent) sendJson(response, 400, apiError(message, 'invalid_request_error'));
      else response.destroy();
    });
  };
  const server: Server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const named = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${options.tls ? 'https' : 'http'}://${named}:${port}`,
    seen,
    sockets: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
