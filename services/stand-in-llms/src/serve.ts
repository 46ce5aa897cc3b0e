/** Answers one completion request, with the fault it is to have. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type ChatRequest, chunks, completion, textCompletion } from './answers.ts';
import type { Fault } from './faults.ts';

export const apiError = (
  message: string,
  type = 'server_error',
  code = 'stand_in',
  param: string | null = null,
) => ({
  error: { message, type, param, code },
});

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

const SSE_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
const JSON_HEADERS = { 'content-type': 'application/json' };

/** What was written before a cut arrives before it: a cut that comes together with it would hide it. */
const BEFORE_CUT_MS = 100;

/** Writes as much of the bytes as may go out before the cut, then cuts the connection. */
function writeAndCut(response: ServerResponse, bytes: Buffer): void {
  const cut = () => void setTimeout(() => response.destroy(), BEFORE_CUT_MS);
  response.flushHeaders();
  if (bytes.length === 0) cut();
  else response.write(bytes, cut);
}

function stoppedEarly(response: ServerResponse, fault: Fault | null, contentEvents: number): boolean {
  switch (fault?.kind) {
    case 'error-in-stream':
      if (contentEvents < fault.after) return false;
      response.end(`data: ${JSON.stringify(apiError('the stand-in was told to fail'))}\n\n`);
      return true;
    case 'truncate':
      if (contentEvents < fault.after) return false;
      response.end();
      return true;
    case 'stall-in-stream':
      return contentEvents >= fault.after;
    case 'stall-after-headers':
      return contentEvents >= 1;
    default:
      return false;
  }
}

async function stream(
  response: ServerResponse,
  body: ChatRequest,
  kind: 'chat' | 'text',
  fault: Fault | null,
): Promise<void> {
  const events = chunks(body, kind).map((data) => Buffer.from(`data: ${data}\n\n`));
  if (fault?.kind === 'gzip') {
    response
      .writeHead(200, { ...SSE_HEADERS, 'content-encoding': 'gzip' })
      .end(gzipSync(Buffer.concat(events)));
    return;
  }
  if (fault?.kind === 'wrong-content-length') {
    const whole = Buffer.concat(events.slice(0, 3));
    response.writeHead(200, { ...SSE_HEADERS, 'content-length': whole.length + 50 });
    writeAndCut(response, whole);
    return;
  }
  response.writeHead(200, SSE_HEADERS);
  response.flushHeaders();
  let sent = 0;
  // The first event of a chat holds only the role; that of /v1/completions is content.
  let contentEvents = kind === 'chat' ? -1 : 0;
  for (const event of events) {
    if (response.destroyed) return;
    if (stoppedEarly(response, fault, Math.max(0, contentEvents))) return;
    if (fault?.kind === 'cut' && sent + event.length > fault.bytes) {
      writeAndCut(response, event.subarray(0, Math.max(0, fault.bytes - sent)));
      return;
    }
    // Slower readers must not make the stand-in buffer without bound.
    if (!response.write(event) && !response.destroyed)
      await new Promise<void>((resolve) => {
        const go = () => {
          response.off('drain', go).off('close', go);
          resolve();
        };
        response.once('drain', go).once('close', go);
      });
    sent += event.length;
    contentEvents++;
    if (fault?.kind === 'slow-drip') await sleep(fault.ms);
  }
  response.end();
}

async function plain(response: ServerResponse, answer: Buffer, fault: Fault | null): Promise<void> {
  const headers = { ...JSON_HEADERS, 'content-length': answer.length };
  switch (fault?.kind) {
    case 'stall-in-stream':
    case 'stall-after-headers':
      response.writeHead(200, headers).write(answer.subarray(0, 20));
      return;
    case 'slow-drip':
      response.writeHead(200, headers);
      for (let at = 0; at < answer.length && !response.destroyed; at += 64) {
        response.write(answer.subarray(at, at + 64));
        await sleep(fault.ms);
      }
      response.end();
      return;
    case 'cut':
      response.writeHead(200, headers);
      writeAndCut(response, answer.subarray(0, fault.bytes));
      return;
    case 'truncate':
      // Without a length and cut between chunks: only the missing last chunk tells.
      response.writeHead(200, JSON_HEADERS);
      writeAndCut(response, answer.subarray(0, answer.length >> 1));
      return;
    case 'wrong-content-length':
      response.writeHead(200, { ...headers, 'content-length': answer.length + 50 });
      writeAndCut(response, answer);
      return;
    case 'error-in-stream':
      sendJson(response, 200, apiError('the stand-in was told to fail'));
      return;
    case 'gzip':
      response.writeHead(200, { ...JSON_HEADERS, 'content-encoding': 'gzip' }).end(gzipSync(answer));
      return;
    default:
      response.writeHead(200, headers).end(answer);
  }
}

/** @param kind `chat` for /v1/chat/completions, `text` for /v1/completions. */
export async function serve(
  response: ServerResponse,
  body: ChatRequest,
  kind: 'chat' | 'text',
  fault: Fault | null,
): Promise<void> {
  const wantsStream = body.stream === true && fault?.kind !== 'no-stream';
  switch (fault?.kind) {
    case 'refuse':
      response.destroy();
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'stall-before-headers':
      return;
    case 'headers-only':
      response.writeHead(200, wantsStream ? SSE_HEADERS : JSON_HEADERS).flushHeaders();
      return;
    case 'status': {
      const headers: Record<string, string> =
        fault.retryAfter === null ? {} : { 'retry-after': fault.retryAfter };
      // A 404 says what is missing, as OpenAI's does: without a word it could speak of anything in the request.
      const why = fault.status === 404 ? `: the model ${body.model} does not exist` : '';
      const told = `the stand-in was told to answer ${fault.status}${why}`;
      sendJson(response, fault.status, apiError(told), headers);
      return;
    }
    case 'garbage-sse':
      response
        .writeHead(200, wantsStream ? SSE_HEADERS : JSON_HEADERS)
        .end('%PDF-\u0000 no such thing \n\n<<>>');
      return;
    case 'garbage-status':
      response.socket?.end('HTTP/1.1 two hundred\r\n\r\n');
      return;
    case 'huge-headers':
      response.writeHead(200, { ...JSON_HEADERS, 'x-huge': 'x'.repeat(200_000) }).end('{}');
      return;
    case 'no-stream-options':
      if (body.stream_options !== undefined) {
        const message = 'Unrecognized request argument supplied: stream_options';
        sendJson(
          response,
          400,
          apiError(message, 'invalid_request_error', 'unknown_parameter', 'stream_options'),
        );
        return;
      }
  }
  if (wantsStream) await stream(response, body, kind, fault);
  else
    await plain(
      response,
      Buffer.from(JSON.stringify(kind === 'chat' ? completion(body) : textCompletion(body))),
      fault,
    );
}
