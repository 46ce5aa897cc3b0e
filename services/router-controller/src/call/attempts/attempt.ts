/** One attempt at one target, up to the point where its answer may go out: headers, and of a stream the first content. */
import type { Target } from '../../config/types.ts';
import type { AnswerReader } from '../../dialects/index.ts';
import type { AttemptOutcome, ChatBody } from '../../request.ts';
import {
  type HeldEvent,
  isCompressed,
  isEventStream,
  type Opening,
  readOpening,
  readUpTo,
} from '../stream/opening.ts';
import type { Time } from '../time.ts';
import type { HeaderBag } from '../transport/headers.ts';
import type { SendOptions, Transport } from '../transport/transport.ts';
import { ENOUGH, type Take, type UpstreamAnswer, type UpstreamBody } from '../transport/upstream-answer.ts';
import { Clock } from './clock.ts';
import { AttemptTimeout, describeError, outcomeOfError, outcomeOfStatus } from './outcome.ts';
import { awaitPending, isPending } from './pending.ts';
import { faultOf } from './whose-fault.ts';

/** An upstream's error answer is kept up to this size, bytes. */
const ERROR_BODY_BYTES = 1024 * 1024;
/** The status of an error is known; its body is not worth a long wait while a fallback could answer. */
const ERROR_BODY_MS = 2_000;
/** How long the end of a body may come after a stream's last event, milliseconds. */
const DRAIN_MS = 250;

/** A body under its time limits. */
export type Chunks = Pick<UpstreamBody, 'next' | 'flow'>;

/** An answer that may go to the client. */
export interface Answer {
  readonly kind: 'answer';
  readonly response: UpstreamAnswer;
  readonly opening: Opening;
  /** The rest of the body; each wait is limited by the target's idle time. */
  readonly chunks: Chunks;
  readonly firstByteMs: number;
  /**
   * The answer is complete: lets the rest of the body come for a moment, so that the connection serves again, then aborts.
   * Until it resolves the upstream still has the request, so its place is not given on before.
   */
  readonly finish: () => Promise<void>;
  /** Ends the upstream call and lets go of all it holds; safe to call at any time, needed once. */
  readonly abort: () => void;
}

/** The upstream's own error answer; `body` is null where it was cut or too large to keep. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: HeaderBag;
  readonly body: Buffer | null;
  /** It says whose fault it is. */
  readonly clear: boolean;
}

export interface Failure {
  readonly kind: 'failure';
  readonly outcome: AttemptOutcome;
  /** Goes on after the target's name: "… answered 500". Holds nothing that a client must not see. */
  readonly message: string;
  readonly answer: ErrorAnswer | null;
  /** The error itself, for the log. */
  readonly cause: unknown;
  /** It failed because the router asked for usage: without that it may well succeed. */
  readonly withoutUsage: boolean;
}

export type AttemptResult = Answer | Failure;

export interface AttemptOptions extends Omit<SendOptions, 'signal'> {
  readonly answers: AnswerReader;
  /** The request that is answered. */
  readonly request: ChatBody;
  /** Bytes of a plain answer that may be held. */
  readonly heldBodyBytes: number;
  /** The answer is not in the client's API, and has to be read to be told. */
  readonly translates?: boolean;
  /** The router asks for usage on its own account, and hides the event that it causes. */
  readonly asksUsage: boolean;
  readonly time: Time;
  /** A target that was not asked yet could take over from a silent one. */
  readonly othersWait: boolean;
  /** Longest wait for an answer that is pending while others could take over, milliseconds. */
  readonly pendingMs: number;
  /** A stream has shown a sign of life before its content: its headers, or the events held so far, to which more are added. */
  readonly onLife?: (held: HeldEvent[], headers: HeaderBag) => void;
  /** Any of them ends the upstream call, and what has begun of the answer. */
  readonly signals: readonly AbortSignal[];
  readonly onFirstByte?: () => void;
}

export function failure(
  outcome: AttemptOutcome,
  message: string,
  more: Partial<Pick<Failure, 'answer' | 'cause' | 'withoutUsage'>> = {},
): Failure {
  return { kind: 'failure', outcome, message, answer: null, cause: null, withoutUsage: false, ...more };
}

/** An upstream call that is under way: its abort signal, clock and first byte. */
class Running {
  readonly controller = new AbortController();
  readonly clock: Clock;
  readonly #time: Time;
  readonly started: number;
  firstByteMs: number | null = null;
  /** The body was read to its end. */
  whole = false;
  readonly #signals: readonly AbortSignal[];
  readonly #onFirstByte: (() => void) | undefined;
  readonly #forward = () => this.controller.abort(this.reason());

  constructor(target: Target, options: AttemptOptions) {
    this.#signals = options.signals;
    this.#onFirstByte = options.onFirstByte;
    this.#time = options.time;
    this.started = options.time.now();
    const { first_byte_ms, fall_back_after_ms, idle_ms, total_ms } = target.timeouts;
    const kind = options.stream ? 'stream' : 'plain';
    const limits = {
      firstByteMs: first_byte_ms[kind],
      idleMs: idle_ms,
      totalMs: total_ms,
      leaveMs: options.othersWait ? fall_back_after_ms[kind] : Number.POSITIVE_INFINITY,
    };
    this.clock = new Clock(options.time, limits, (reason) => this.controller.abort(reason));
    for (const signal of this.#signals) signal.addEventListener('abort', this.#forward, { once: true });
    if (this.cancelled) this.#forward();
  }

  /** True when the client left or another attempt won. */
  get cancelled(): boolean {
    return this.#signals.some((signal) => signal.aborted);
  }

  reason(): unknown {
    return this.#signals.find((signal) => signal.aborted)?.reason;
  }

  sinceStart(): number {
    return this.#time.now() - this.started;
  }

  release(): void {
    this.clock.stop();
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#forward);
  }

  /** The body's chunks under the clock. Errors are those of the body, or the time limit that ended it. */
  chunks({ body }: UpstreamAnswer): Chunks {
    const { clock, controller } = this;
    let over = false;
    const end = () => {
      over = true;
      this.release();
    };
    const failed = (error: unknown): never => {
      end();
      throw controller.signal.aborted && controller.signal.reason instanceof Error
        ? controller.signal.reason
        : error;
    };
    const come = (result: IteratorResult<Buffer, undefined>): IteratorResult<Buffer, undefined> => {
      if (result.done) {
        this.whole = true;
        end();
        return result;
      }
      if (this.firstByteMs === null) {
        this.firstByteMs = this.sinceStart();
        this.#onFirstByte?.();
      }
      clock.tick();
      return result;
    };
    // One step a chunk: an async function would make three of it.
    const next = (): Promise<IteratorResult<Buffer, undefined>> => {
      if (over) return Promise.resolve({ done: true, value: undefined });
      clock.wait();
      return body.next().then(come, failed);
    };
    if (!body.flow) return { next };
    const flow = async (take: Take): Promise<boolean> => {
      if (over) return true;
      clock.wait();
      const timed: Take = (chunk) => {
        clock.tick();
        const more = take(chunk);
        if (more === null) clock.wait();
        else if (more !== ENOUGH) return more.then(() => clock.wait());
        return more;
      };
      const whole = await body.flow!(timed).catch(failed);
      if (whole) come({ done: true, value: undefined });
      return whole;
    };
    return { next, flow };
  }
}

/** Sends a request and reads as far as is needed to know whether its answer may go out. Never rejects. */
export async function attempt(
  transport: Transport,
  target: Target,
  options: AttemptOptions,
): Promise<AttemptResult> {
  const running = new Running(target, options);
  const { signal } = running.controller;
  let response: UpstreamAnswer;
  try {
    response = await transport.send(target, { ...options, signal });
    if (isPending(response)) {
      const { path, stream, time, othersWait, pendingMs } = options;
      const limitMs = othersWait ? pendingMs : Number.POSITIVE_INFINITY;
      response = await awaitPending(transport, target, response, { path, stream, time, limitMs, signal });
    }
  } catch (error) {
    running.release();
    if (running.cancelled) return failure('aborted', 'was not waited for');
    const reason = signal.aborted ? signal.reason : error;
    return failure(outcomeOfError(reason), describeError(reason), { cause: reason });
  }
  let finishing = false;
  const abort = () => {
    if (finishing) return;
    running.release();
    // An answer that has been read has nothing left to end, and its connection serves the next request.
    if (running.whole) return;
    running.controller.abort(new Error('no longer wanted'));
    response.body.destroy();
  };
  const fail = (result: Failure): Failure => {
    abort();
    return result;
  };
  const chunks = running.chunks(response);
  const outcome = outcomeOfStatus(response.status);
  try {
    if (outcome === 'protocol_error')
      return fail(failure(outcome, `answered with status ${response.status}`));
    if (outcome !== 'ok') return fail(await errorAnswer(running, response, chunks, outcome, options));
    if (options.asksUsage && isEventStream(response.headers) && isCompressed(response.headers)) {
      // The usage event could not be found again in compressed bytes, so it must not be there.
      return fail(failure('protocol_error', 'compressed its stream', { withoutUsage: true }));
    }
    if (options.stream && isEventStream(response.headers)) running.clock.alive();
    const opening = await readOpening(response.headers, chunks, { ...options, limit: options.heldBodyBytes });
    if (opening.kind === 'broken') return fail(failure(opening.outcome, opening.message));
    if (opening.kind === 'open' && options.translates)
      return fail(
        failure('protocol_error', 'sent an answer that is compressed or too long to be translated'),
      );
    running.clock.content();
    const firstByteMs = running.firstByteMs ?? running.sinceStart();
    const finish = () => {
      finishing = true;
      return drain(chunks, options.time).then(() => {
        finishing = false;
        abort();
      });
    };
    return { kind: 'answer', response, opening, chunks, firstByteMs, finish, abort };
  } catch (error) {
    abort();
    if (running.cancelled) return failure('aborted', 'was not waited for');
    if (error instanceof AttemptTimeout)
      return failure(error.outcome, `broke off: ${error.message}`, { cause: error });
    return failure('cut', 'broke off its answer', { cause: error });
  }
}

async function drain(chunks: AsyncIterator<Buffer>, time: Time): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = time.after(DRAIN_MS, late.resolve);
  const rest = (async () => {
    while (!(await chunks.next()).done);
  })().catch(() => {});
  await Promise.race([rest, late.promise]);
  timer.stop();
}

/** Reads an error answer. The status counts even when its body is cut. */
async function errorAnswer(
  running: Running,
  response: UpstreamAnswer,
  chunks: AsyncIterator<Buffer>,
  outcome: AttemptOutcome,
  { time, asksUsage }: Pick<AttemptOptions, 'time' | 'asksUsage'>,
): Promise<Failure> {
  const { status, headers } = response;
  const hurry = time.after(ERROR_BODY_MS, () =>
    running.controller.abort(new Error('the error answer took too long')),
  );
  const { parts, whole } = await readUpTo(chunks, ERROR_BODY_BYTES)
    .catch(() => ({ parts: [], whole: false }))
    .finally(() => hurry.stop());
  const body = whole ? Buffer.concat(parts) : null;
  const told = faultOf(status, body);
  // Whatever else it says, in whatever words or coding: the router has added to this request, so it asks once without.
  const withoutUsage = asksUsage && (status === 400 || status === 422) && told !== 'context_overflow';
  return failure(told ?? outcome, `answered ${status}`, {
    answer: { status, headers, body, clear: told !== null },
    withoutUsage,
  });
}
