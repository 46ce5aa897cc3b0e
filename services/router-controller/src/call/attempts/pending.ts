/**
 * An answer that is not there yet: NVIDIA Cloud Functions, which the hosted NIMs run on, answers 202 with the number of the
 * request while it waits for a worker, and gives the answer under a URL of its own.
 */
import type { Target } from '../../config/types.ts';
import { sleep, type Time } from '../time.ts';
import { retryAfterMs } from '../transport/headers.ts';
import type { Transport } from '../transport/transport.ts';
import type { UpstreamAnswer } from '../transport/upstream-answer.ts';
import { upstreamUrl } from '../transport/upstream-url.ts';
import { AttemptTimeout } from './outcome.ts';

const POLL_MS = 1_000;
const MAX_POLL_MS = 10_000;
const ID = /^[\w.-]{1,200}$/;
/** Where the functions are called by their own API, not as a model. */
const FUNCTIONS = /^(.*\/nvcf)\/(?:p?exec)\//;

export interface PendingOptions {
  /** Route of the call. */
  readonly path: string;
  readonly stream: boolean;
  readonly time: Time;
  /** Longest wait, milliseconds; infinite: the attempt's own limits hold. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

export const isPending = ({ status, headers }: UpstreamAnswer) =>
  status === 202 && ID.test(String(headers['nvcf-reqid'] ?? ''));

/** The status URL that it names, where that is on the target's own host: the key goes nowhere else. */
function statusUrl(target: Target, { headers }: UpstreamAnswer, path: string): string {
  const called = new URL(upstreamUrl(target, path));
  const named = String(headers.location ?? '');
  if (named !== '' && URL.canParse(named, called.href)) {
    const url = new URL(named, called);
    if (url.origin === called.origin) return url.href;
  }
  const id = String(headers['nvcf-reqid']);
  const functions = FUNCTIONS.exec(called.pathname)?.[1];
  return functions === undefined
    ? upstreamUrl(target, `/v1/status/${id}`)
    : `${called.origin}${functions}/pexec/status/${id}`;
}

/**
 * Polls until the answer is there, or something else than "pending" is said.
 *
 * @throws AttemptTimeout when it takes too long; what the transport throws.
 */
export async function awaitPending(
  transport: Transport,
  target: Target,
  first: UpstreamAnswer,
  { path, stream, time, limitMs, signal }: PendingOptions,
): Promise<UpstreamAnswer> {
  const until = time.now() + limitMs;
  const url = statusUrl(target, first, path);
  for (let response = first; ; ) {
    response.body.ignore();
    if (time.now() >= until)
      throw new AttemptTimeout('timeout_first_byte', `the answer was still pending after ${limitMs} ms`);
    const pause = Math.min(
      MAX_POLL_MS,
      retryAfterMs(response.headers) || POLL_MS,
      Math.max(1, until - time.now()),
    );
    await sleep(time, pause, signal);
    signal.throwIfAborted();
    response = await transport.poll(target, url, stream, signal);
    if (response.status !== 202) return response;
  }
}
