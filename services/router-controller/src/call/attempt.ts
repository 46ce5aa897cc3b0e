/** One attempt at one target, up to the point where its answer may go out: headers, and of a stream the first content. */
import type { Target } from '../config/types.ts';
import type { AttemptOutcome } from '../request.ts';
import type { UpstreamResponse } from './fetch-undici.ts';
import { AttemptTimeout, outcomeOfError, outcomeOfStatus, rootCause } from './outcome.ts';
import { type SseEvent, SseSplitter } from './sse.ts';
import { StreamReader } from './stream-reader.ts';
import type { SendOptions, Transport } from './transport.ts';

/** A non-streamed answer up to this size is held whole before a byte goes out, so that a cut one can fall back. */
export const HELD_BODY_BYTES = 8 * 1024 * 1024;
/** Opening events held back while waiting for the first content. */
const HELD_OPENING_BYTES = 256 * 1024;

export interface StreamStart {
  readonly splitter: SseSplitter;
  readonly reader: StreamReader;
  /** Events read so far, not yet sent. */
  readonly held: readonly SseEvent[];
  /** True when the upstream ended while events were held. */
  readonly ended: boolean;
}

/** An answer that may go to the client. */
export interface Answer {
  readonly kind: 'answer';
  readonly response: UpstreamResponse;
  /** Iterates the body's chunks; each wait is limited by the target's idle time. */
  readonly chunks: AsyncIterator<Buffer>;
  /** Set for event streams. */
  readonly stream: StreamStart | null;
  /** The held body of an answer that is no stream; null when it was too large to hold whole. */
  readonly body: Buffer | null;
  /** First chunks of a body too large to hold. */
  readonly begun: readonly Buffer[];
  readonly firstByteMs: number;
  /** Ends the upstream call; safe to call at any time. */
  readonly abort: () => void;
}

export interface Failure {
  readonly kind: 'failure';
  readonly outcome: AttemptOutcome;
  readonly message: string;
  /** The upstream's own error answer, held whole. */
  readonly answer: {
    readonly status: number;
    readonly headers: UpstreamResponse['headers'];
    readonly body: Buffer;
  } | null;
}

export type AttemptResult = Answer | Failure;

const failure = (outcome: AttemptOutcome, message: string, answer: Failure['answer'] = null): Failure => ({
  kind: 'failure',
  outcome,
  message,
  answer,
});

/** The clock of one attempt: connect and first byte, then idle, and the whole. Each ends the upstream call. */
class Clock {
  readonly #target: Target;
  readonly #controller: AbortController;
  readonly #total: NodeJS.Timeout;
  #step: NodeJS.Timeout | null = null;
  #waitingFor: 'timeout_first_byte' | 'timeout_idle' = 'timeout_first_byte';

  constructor(target: Target, controller: AbortController) {
    this.#target = target;
    this.#controller = controller;
    const { total_ms, first_byte_ms } = target.timeouts;
    this.#total = setTimeout(
      () => this.#end('timeout_total', `the whole call took over ${total_ms} ms`),
      total_ms,
    );
    this.#step = setTimeout(
      () =>
        this.#end(this.#waitingFor, `${target.name} sent no byte of its answer within ${first_byte_ms} ms`),
      first_byte_ms,
    );
  }

  #end(outcome: AttemptOutcome, message: string): void {
    this.#controller.abort(new AttemptTimeout(outcome, message));
  }

  /** A byte has come. */
  tick(): void {
    if (this.#waitingFor === 'timeout_idle') {
      this.#step?.refresh();
      return;
    }
    this.#waitingFor = 'timeout_idle';
    if (this.#step) clearTimeout(this.#step);
    const { idle_ms } = this.#target.timeouts;
    this.#step = setTimeout(
      () => this.#end('timeout_idle', `${this.#target.name} was silent for ${idle_ms} ms`),
      idle_ms,
    );
  }

  stop(): void {
    clearTimeout(this.#total);
    if (this.#step) clearTimeout(this.#step);
  }
}

/** The body's chunks under the attempt's clock. Errors are those of the body, or the time limit that ended it. */
async function* timed(
  response: UpstreamResponse,
  clock: Clock,
  signal: AbortSignal,
  done: () => void,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response.body) {
      clock.tick();
      yield chunk as Buffer;
    }
  } catch (error) {
    throw signal.aborted && signal.reason instanceof Error ? signal.reason : error;
  } finally {
    clock.stop();
    done();
  }
}

async function readAll(
  chunks: AsyncIterator<Buffer>,
  limit: number,
): Promise<{ parts: Buffer[]; whole: boolean }> {
  const parts: Buffer[] = [];
  let size = 0;
  while (size <= limit) {
    const { value, done } = await chunks.next();
    if (done) return { parts, whole: true };
    parts.push(value);
    size += value.length;
  }
  return { parts, whole: false };
}

const isStream = (response: UpstreamResponse) =>
  String(response.headers['content-type'] ?? '').includes('text/event-stream') &&
  !response.headers['content-encoding'];

/**
 * Sends a request and reads as far as is needed to know whether its answer may go out.
 *
 * @param signal aborted when the client leaves or another attempt wins; the upstream call ends with it.
 */
export async function attempt(
  transport: Transport,
  target: Target,
  options: Omit<SendOptions, 'signal'>,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const controller = new AbortController();
  const forward = () => controller.abort(signal.reason);
  if (signal.aborted) forward();
  signal.addEventListener('abort', forward, { once: true });
  const clock = new Clock(target, controller);
  const done = () => signal.removeEventListener('abort', forward);
  const started = performance.now();
  let response: UpstreamResponse;
  try {
    response = await transport.send(target, { ...options, signal: controller.signal });
  } catch (error) {
    clock.stop();
    done();
    if (signal.aborted) return failure('aborted', 'the client left');
    const reason = controller.signal.aborted ? controller.signal.reason : error;
    return failure(outcomeOfError(reason), rootCause(reason).message);
  }
  const chunks = timed(response, clock, controller.signal, done);
  const abort = () => {
    controller.abort(new Error('no longer wanted'));
    response.body.on('error', () => {});
    response.body.destroy();
    clock.stop();
    done();
  };
  const answer = { kind: 'answer' as const, response, chunks, abort };
  try {
    if (response.status >= 400) {
      const { parts } = await readAll(chunks, HELD_BODY_BYTES);
      abort();
      const body = Buffer.concat(parts);
      const outcome = outcomeOfStatus(response.status);
      return failure(outcome, `${target.name} answered ${response.status}`, {
        status: response.status,
        headers: response.headers,
        body,
      });
    }
    if (isStream(response)) {
      const start = await readOpening(chunks);
      const firstByteMs = performance.now() - started;
      if ('error' in start) {
        abort();
        return failure(
          'error_event',
          `${target.name} began its stream with an error: ${start.error.slice(0, 300)}`,
        );
      }
      if (start.ended && !start.reader.complete) {
        abort();
        return failure('cut', `${target.name} ended its stream before any content`);
      }
      return { ...answer, stream: start, body: null, begun: [], firstByteMs };
    }
    const { parts, whole } = await readAll(chunks, HELD_BODY_BYTES);
    const firstByteMs = performance.now() - started;
    const body = whole ? Buffer.concat(parts) : null;
    return { ...answer, stream: null, body, begun: whole ? [] : parts, firstByteMs };
  } catch (error) {
    abort();
    if (signal.aborted) return failure('aborted', 'the client left');
    const outcome = error instanceof AttemptTimeout ? error.outcome : 'cut';
    return failure(outcome, `${target.name} broke off its answer: ${rootCause(error).message}`);
  }
}

/** Reads a stream until its first content event, or an error before it. */
async function readOpening(chunks: AsyncIterator<Buffer>): Promise<StreamStart | { error: string }> {
  const splitter = new SseSplitter();
  const reader = new StreamReader();
  const held: SseEvent[] = [];
  let size = 0;
  for (;;) {
    const { value, done } = await chunks.next();
    const events = done ? [splitter.end()].filter((event) => event !== null) : splitter.push(value);
    let ready = size > HELD_OPENING_BYTES;
    for (const event of events) {
      const kind = reader.read(event);
      if (kind === 'error' && !ready) return { error: event.data ?? '' };
      held.push(event);
      size += event.bytes.length;
      if (kind === 'content' || kind === 'done') ready = true;
      // A later error in the same chunk must still reach the client as it came, after the content before it.
      if (kind === 'error') ready = true;
    }
    if (done) return { splitter, reader, held, ended: true };
    if (ready) return { splitter, reader, held, ended: false };
  }
}
