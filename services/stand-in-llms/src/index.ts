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
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChatRequest, chunks, completion } from './answers.ts';
import { type Fault, parseFault } from './faults.ts';

export { type Fault, parseFault } from './faults.ts';

/** The seed's NIM models, listed by /v1/models. */
export const NIM_MODELS = [
  'meta/llama-3.1-70b-instruct',
  'meta/llama-3.1-8b-instruct',
  'mistralai/mixtral-8x22b-instruct-v0.1',
  'deepseek-ai/deepseek-r1',
] as const;

/** A request as a stand-in saw it, for tests. */
export interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly raw: Buffer;
  readonly body: ChatRequest & Record<string, unknown>;
  /** Resolves when the connection of this request has ended: true when the answer was whole. */
  readonly ended: Promise<boolean>;
}

export interface StandInOptions {
  readonly host?: string;
  readonly port?: number;
  /** Certificate for https. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Decides each request's fault; a header of the request goes first. */
  readonly fault?: (seen: Seen) => Fault | null;
  /** Bytes of the answer as they are to be written, for tests of chunking; null: the stand-in's own. */
  readonly respond?: (
    seen: Seen,
  ) => { status?: number; headers?: Record<string, string>; chunks: readonly Buffer[] } | null;
}

export interface StandIns {
  readonly url: string;
  /** The last thousand requests. */
  readonly seen: Seen[];
  readonly close: () => Promise<void>;
}

const KEPT = 1_000;

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

const apiError = (message: string, type = 'server_error', code = 'stand_in') => ({
  error: { message, type, param: null, code },
});

async function stream(response: ServerResponse, body: ChatRequest, fault: Fault | null): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
  let sent = 0;
  let contentEvents = -1; // the first chunk holds only the role
  for (const data of chunks(body)) {
    if (response.destroyed) return;
    if (fault?.kind === 'error-in-stream' && contentEvents >= fault.after - (fault.after === 0 ? 1 : 0)) {
      response.end(`data: ${JSON.stringify(apiError('the stand-in was told to fail'))}\n\n`);
      return;
    }
    if (fault?.kind === 'stall-after-headers' && contentEvents >= 1) return;
    const event = Buffer.from(`data: ${data}\n\n`);
    if (fault?.kind === 'cut' && sent + event.length > fault.bytes) {
      const rest = event.subarray(0, Math.max(0, fault.bytes - sent));
      response.write(rest, () => response.destroy());
      return;
    }
    response.write(event);
    sent += event.length;
    contentEvents++;
    if (fault?.kind === 'slow-drip') await sleep(fault.ms);
  }
  response.end();
}

async function chat(response: ServerResponse, body: ChatRequest, fault: Fault | null): Promise<void> {
  switch (fault?.kind) {
    case 'refuse':
      response.destroy();
      return;
    case 'stall-before-headers':
      return;
    case 'status': {
      const headers: Record<string, string> =
        fault.retryAfter === null ? {} : { 'retry-after': fault.retryAfter };
      sendJson(response, fault.status, apiError(`the stand-in was told to answer ${fault.status}`), headers);
      return;
    }
    case 'garbage':
      response.writeHead(200, { 'content-type': body.stream ? 'text/event-stream' : 'application/json' });
      response.end('%PDF-\u0000 no such thing \n\n<<>>');
      return;
    case 'huge-headers':
      response
        .writeHead(200, { 'content-type': 'application/json', 'x-huge': 'x'.repeat(200_000) })
        .end('{}');
      return;
  }
  if (body.stream) {
    await stream(response, body, fault);
    return;
  }
  const answer = Buffer.from(JSON.stringify(completion(body)));
  if (fault?.kind === 'stall-after-headers' || fault?.kind === 'slow-drip') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    if (fault.kind === 'stall-after-headers') {
      response.write(answer.subarray(0, 20));
      return;
    }
    for (let at = 0; at < answer.length && !response.destroyed; at += 64) {
      response.write(answer.subarray(at, at + 64));
      await sleep(fault.ms);
    }
    response.end();
    return;
  }
  if (fault?.kind === 'cut') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    response.write(answer.subarray(0, fault.bytes), () => response.destroy());
    return;
  }
  if (fault?.kind === 'wrong-content-length') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length + 50 });
    response.write(answer, () => response.destroy());
    return;
  }
  response
    .writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
    .end(answer);
}

/** Starts the stand-ins on one address. */
export async function startStandInLlms(options: StandInOptions = {}): Promise<StandIns> {
  const seen: Seen[] = [];

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '/').split('?')[0]!;
    if (request.method === 'GET' && path.endsWith('/models')) {
      const data = NIM_MODELS.map((id) => ({
        id,
        object: 'model',
        created: 1_700_000_000,
        owned_by: 'stand-in',
      }));
      sendJson(response, 200, { object: 'list', data });
      return;
    }
    if (request.method !== 'POST' || !/\/completions$/.test(path)) {
      sendJson(
        response,
        404,
        apiError(`no such path: ${request.method} ${path}`, 'invalid_request_error', 'not_found'),
      );
      return;
    }
    const raw = await readBody(request);
    let body: Seen['body'];
    try {
      body = JSON.parse(raw.toString('utf8'));
    } catch {
      sendJson(response, 400, apiError('the body is not JSON', 'invalid_request_error', 'invalid_json'));
      return;
    }
    const ended = new Promise<boolean>((resolve) =>
      response.once('close', () => resolve(response.writableFinished)),
    );
    const noted: Seen = { path, headers: request.headers, raw, body, ended };
    seen.push(noted);
    if (seen.length > KEPT) seen.shift();
    const asked = request.headers['x-stand-in-fault'];
    const fault = typeof asked === 'string' ? parseFault(asked) : (options.fault?.(noted) ?? null);
    const custom = fault ? null : options.respond?.(noted);
    if (!custom) {
      await chat(response, body, fault);
      return;
    }
    response.writeHead(custom.status ?? 200, { 'content-type': 'text/event-stream', ...custom.headers });
    for (const chunk of custom.chunks) {
      response.write(chunk);
      // One tick between writes, so that they leave as chunks of their own.
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  };

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) sendJson(response, 400, apiError(String(error), 'invalid_request_error'));
      else response.destroy();
    });
  };
  const server: Server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
