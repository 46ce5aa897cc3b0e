/** Passes one request on to a target and its answer back, both as they come: nothing is held, translated or tried again. */
import { Readable } from 'node:stream';
import type { Target } from '../../config/types.ts';
import { abortError, RouterError } from '../../errors.ts';
import type { Usage } from '../../request.ts';
import { AttemptTimeout, describeError, outcomeOfError } from '../attempts/outcome.ts';
import type { IdRewriter } from '../response-ids.ts';
import { type ClientResponse, writeTo } from '../stream/client-response.ts';
import { type HeaderBag, responseHeaders, STREAM_HEADERS } from '../transport/headers.ts';
import type { Transport } from '../transport/transport.ts';
import type { StreamedAnswer } from '../transport/upstream-answer.ts';
import { believe } from '../usage.ts';
import { EventsTap, UsageTap } from './usage-tap.ts';

export interface PassRequest {
  /** Changes ids in the answer as it goes by; such an answer tells of tokens that were paid before. */
  readonly rewriter?: IdRewriter;
  readonly method: string;
  /** `/v1/embeddings` */
  readonly path: string;
  /** With its question mark, or empty. */
  readonly search: string;
  readonly headers: HeaderBag;
  readonly body: Buffer | Readable | null;
  /** Bytes; null: not known before the end. */
  readonly length: number | null;
  /** A report of more tokens than this is not believed. */
  readonly usageCeiling: number;
  readonly signal: AbortSignal;
}

export interface PassOutcome {
  readonly status: number;
  /** As the upstream reported it; null: it did not, or is not believed. */
  readonly usage: Usage | null;
  /** Why its report is not believed; null: it is, or there is none. */
  readonly doubt: string | null;
  /** The answer broke off. */
  readonly incomplete: boolean;
  readonly bytes: number;
}

/** Of the client's headers those that speak of the body and of how it is to be answered. */
const FORWARDED =
  /^(?:accept|content-type|range|if-(?:none-)?match|idempotency-key|openai-beta|anthropic-(?:version|beta)|traceparent|tracestate)$/;

function headersFor(target: Target, { headers: client, body, length }: PassRequest): Record<string, string> {
  const out: Record<string, string> = {};
  // What is streamed is still as the client has packed it.
  const coding = client['content-encoding'];
  if (body instanceof Readable && typeof coding === 'string') out['content-encoding'] = coding;
  for (const [name, value] of Object.entries(client))
    if (FORWARDED.test(name) && typeof value === 'string') out[name] = value;
  if (length !== null) out['content-length'] = String(length);
  return { ...out, ...target.headers };
}

/**
 * @param own the router's own headers for the answer.
 * @throws RouterError upstream_error, upstream_timeout, upstream_bad_credentials, client_closed_request, and what reading
 * the request's body throws, while nothing has been sent.
 */
export async function passOn(
  transport: Transport,
  target: Target,
  request: PassRequest,
  client: ClientResponse,
  own: Readonly<Record<string, string>>,
): Promise<PassOutcome> {
  const watch = new Watch(target, request.signal);
  let bodyError: unknown = null;
  if (request.body instanceof Readable) {
    request.body.on('error', (error) => {
      bodyError = error;
      watch.controller.abort(error);
    });
  }
  let answer: StreamedAnswer;
  try {
    answer = await transport.pass(target, {
      ...request,
      headers: headersFor(target, request),
      signal: watch.controller.signal,
    });
  } catch (error) {
    watch.stop();
    if (request.signal.aborted) throw abortError(request.signal, 'the upstream was asked');
    if (bodyError instanceof RouterError) throw bodyError;
    throw failed(target, watch.controller.signal.aborted ? watch.controller.signal.reason : error);
  }
  if (answer.status === 401) {
    watch.stop();
    discard(answer);
    throw new RouterError('upstream_bad_credentials', `Target '${target.name}' refused the router’s own key`);
  }
  return relayPassed(answer, client, own, watch, request);
}

/** undici tells of a body that is thrown away by an error event. */
function discard({ body }: StreamedAnswer): void {
  body.on('error', () => {});
  body.destroy();
}

function failed(target: Target, reason: unknown): RouterError {
  const timeout = reason instanceof AttemptTimeout || outcomeOfError(reason).startsWith('timeout');
  return new RouterError(
    timeout ? 'upstream_timeout' : 'upstream_error',
    `Target '${target.name}' did not answer: ${describeError(reason)}`,
    { cause: reason },
  );
}

async function relayPassed(
  { status, headers, body }: StreamedAnswer,
  client: ClientResponse,
  own: Readonly<Record<string, string>>,
  watch: Watch,
  { signal, usageCeiling, rewriter }: PassRequest,
): Promise<PassOutcome> {
  const type = String(headers['content-type'] ?? '');
  const events = type.includes('text/event-stream');
  const plain = ['', 'identity'].includes(String(headers['content-encoding'] ?? ''));
  const read = !rewriter && plain;
  const tap = read && events ? new EventsTap() : read && /json/i.test(type) ? new UsageTap() : null;
  client.writeHead(status, { ...responseHeaders(headers, !rewriter), ...(events && STREAM_HEADERS), ...own });
  let bytes = 0;
  try {
    watch.wait();
    for await (const chunk of body) {
      watch.wait();
      bytes += (chunk as Buffer).length;
      tap?.push(chunk as Buffer);
      const piece = rewriter ? rewriter.push(chunk as Buffer) : (chunk as Buffer);
      if (piece.length > 0) await writeTo(client, piece);
      if (signal.aborted) throw signal.reason;
    }
    client.end(rewriter?.end());
    return { status, ...believe(tap?.read() ?? null, usageCeiling), incomplete: false, bytes };
  } catch {
    body.on('error', () => {});
    watch.controller.abort(new Error('no longer wanted'));
    // The length that was promised does not come; only a cut connection tells the client so.
    client.destroy();
    return {
      status: signal.aborted ? 499 : status,
      usage: null,
      doubt: null,
      incomplete: !signal.aborted,
      bytes,
    };
  } finally {
    watch.stop();
  }
}

/** Time limits of a call that is passed on: the whole of it until its answer begins, then silence. */
class Watch {
  readonly controller = new AbortController();
  readonly #target: Target;
  readonly #signal: AbortSignal;
  readonly #forward = () => this.controller.abort(this.#signal.reason);
  #timer: NodeJS.Timeout;

  constructor(target: Target, signal: AbortSignal) {
    this.#target = target;
    this.#signal = signal;
    const { total_ms } = target.timeouts;
    this.#timer = setTimeout(
      () => this.controller.abort(new AttemptTimeout('timeout_total', `no answer within ${total_ms} ms`)),
      total_ms,
    );
    signal.addEventListener('abort', this.#forward, { once: true });
    if (signal.aborted) this.#forward();
  }

  /** The answer has begun: from now on each silence is limited. */
  wait(): void {
    clearTimeout(this.#timer);
    const { idle_ms } = this.#target.timeouts;
    this.#timer = setTimeout(
      () => this.controller.abort(new AttemptTimeout('timeout_idle', `nothing for ${idle_ms} ms`)),
      idle_ms,
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#forward);
  }
}
