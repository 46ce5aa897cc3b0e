/** Asks one target: its limits, its breaker, the attempt, and what is learned from it. */
import { createHash } from 'node:crypto';
import type { UpstreamConfig } from '../../config/schema.ts';
import type { Target } from '../../config/types.ts';
import { RouterError } from '../../errors.ts';
import { NO_SPAN, type Span, type SpanAttributes } from '../../observe/index.ts';
import type { AttemptOutcome } from '../../request.ts';
import type { Pass } from '../health/breaker.ts';
import type { Health } from '../health/health.ts';
import type { Who } from '../health/target-health.ts';
import { bodyFor, type Journey, speechFor, type TryResult } from '../journey.ts';
import type { CallObserver } from '../observer.ts';
import type { HeldEvent } from '../stream/opening.ts';
import type { Time } from '../time.ts';
import { forwardedHeaders, retryAfterMs } from '../transport/headers.ts';
import type { Transport } from '../transport/transport.ts';
import { asksForUsage } from '../usage.ts';
import { type AttemptResult, attempt, type Failure, failure } from './attempt.ts';
import { verdictOf } from './outcome.ts';

export interface TryDeps {
  readonly transport: Transport;
  readonly health: Health;
  readonly observer: CallObserver;
  readonly settings: UpstreamConfig;
  readonly time: Time;
}

export interface TryOptions {
  /** Aborted when another target has won. */
  readonly signal?: AbortSignal;
  readonly onFirstByte?: () => void;
  /** Another target that was not asked yet could answer in its place. */
  readonly othersWait?: () => boolean;
}

/** Notes an attempt that has ended, or that could not begin. */
export function note(
  { observer }: Pick<TryDeps, 'observer'>,
  { request, attempts }: Journey,
  target: Target,
  outcome: AttemptOutcome,
  more: { status?: number | null; started?: number; cause?: unknown } = {},
): void {
  const started = more.started ?? performance.now();
  const noted = {
    target,
    outcome,
    status: more.status ?? null,
    startedMs: started - request.receivedAt,
    durationMs: performance.now() - started,
  };
  attempts.push(noted);
  observer.attemptEnded(request, noted, more.cause ?? null);
}

/** Never rejects, but for what `admitTarget` throws. */
export async function tryTarget(
  deps: TryDeps,
  journey: Journey,
  target: Target,
  options: TryOptions = {},
): Promise<TryResult> {
  const taken = await journey.hooks.admitTarget?.(target);
  if (taken instanceof RouterError) {
    journey.refusal = taken;
    note(deps, journey, target, 'limited');
    return { kind: 'failed', target, failure: failure('limited', 'is at its limit') };
  }
  const result = await tryAdmitted(deps, journey, target, options);
  if (result.kind === 'failed') taken?.release();
  return result;
}

async function tryAdmitted(
  deps: TryDeps,
  journey: Journey,
  target: Target,
  options: TryOptions,
): Promise<TryResult> {
  const { request } = journey;
  if (request.signal.aborted || options.signal?.aborted) {
    return { kind: 'failed', target, failure: failure('aborted', 'was not waited for') };
  }
  const pass = deps.health.pass(target, journey.who, () => {
    if (journey.blamed.has(target.id)) return false;
    journey.blamed.add(target.id);
    return true;
  });
  if (!pass) {
    note(deps, journey, target, 'breaker_open');
    return { kind: 'failed', target, failure: failure('breaker_open', 'rests after repeated failures') };
  }
  try {
    const asks =
      speechFor(journey, target).answers.usageByOption &&
      asksForUsage(request.body) &&
      deps.health.givesUsage(target);
    const sent = await send(deps, journey, target, asks, options);
    if (sent.result.kind === 'answer' || !sent.result.withoutUsage || !maybeUsage(deps, target, sent.result))
      return finish(target, sent, pass, asks);
    const again = await send(deps, journey, target, false, options);
    // The same answer without: it was not the router's addition that was refused.
    if (again.result.kind === 'answer') deps.health.noteUsage(target, false);
    return finish(target, again, pass, false);
  } catch (error) {
    pass.end('unknown');
    throw error;
  }
}

/** A target that has taken the option before is not asked twice for each bad request, unless it names the option. */
function maybeUsage({ health }: TryDeps, target: Target, { answer }: Failure): boolean {
  if (!health.takesUsage(target) || !answer) return true;
  return /stream_options|include_usage/.test(answer.body?.toString('utf8') ?? '');
}

interface Sent {
  readonly result: AttemptResult;
  readonly span: Span;
}

function finish(target: Target, { result, span }: Sent, pass: Pass, hideUsage: boolean): TryResult {
  if (result.kind === 'answer') {
    // The verdict on a normal answer waits for its end; a probe's would keep the target closed to all others meanwhile.
    if (pass.probe) pass.end('healthy');
    const abort = () => {
      span.end();
      result.abort();
    };
    return { kind: 'won', target, answer: { ...result, abort }, hideUsage, pass, span };
  }
  const { outcome, answer } = result;
  pass.end(verdictOf(outcome, result.cause) ?? (answer ? 'healthy' : 'unknown'));
  return { kind: 'failed', target, failure: result };
}

function spanAttributes(target: Target): SpanAttributes {
  const { hostname, port } = new URL(target.apiBase);
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': hostname,
    'gen_ai.request.model': target.model,
    'server.address': hostname,
    'server.port': port === '' ? undefined : Number(port),
    'llm_router.target': target.name,
  };
}

async function send(
  deps: TryDeps,
  journey: Journey,
  target: Target,
  asksUsage: boolean,
  options: TryOptions,
): Promise<Sent> {
  const { request } = journey;
  const speech = speechFor(journey, target);
  const started = performance.now();
  const span = request.span?.traceId
    ? request.span.child(`chat ${target.model}`, spanAttributes(target), 'client')
    : NO_SPAN;
  journey.sent++;
  const body = bodyFor(journey, target, asksUsage);
  const othersWait = options.othersWait?.() ?? false;
  const heldNow: HeldEvent[][] = [];
  // Where the target's own limits end its silence soon, its failure had better be told by a status.
  const patient = target.timeouts.idle_ms > SOON_MS;
  const result = await attempt(deps.transport, target, {
    path: speech.path,
    // The query speaks to the client's own API.
    search: speech.translation ? '' : (request.search ?? ''),
    body,
    stream: request.body.stream === true,
    headers: {
      ...forwardedHeaders(request.headers),
      ...speech.headers,
      ...(span.traceparent !== null && { traceparent: span.traceparent }),
    },
    answers: speech.answers,
    translates: speech.translation !== null,
    request: request.body,
    heldBodyBytes: deps.settings.held_body_bytes,
    time: deps.time,
    pendingMs: deps.settings.pending_ms,
    othersWait,
    ...(journey.early &&
      patient && {
        onLife: (held, upstream) => {
          heldNow[0] = held;
          // Nor is it sure while a hedge runs.
          const sure =
            othersWait || options.signal ? null : { upstream, headers: journey.hooks.headers(target) };
          journey.early?.life(held, sure);
        },
      }),
    asksUsage,
    signals: options.signal ? [request.signal, options.signal] : [request.signal],
    ...(options.onFirstByte && { onFirstByte: options.onFirstByte }),
  });
  if (result.kind !== 'answer' && heldNow[0]) journey.early?.forget(heldNow[0]);
  if (result.kind === 'answer') {
    span.set({ 'http.response.status_code': result.response.status });
    if (result.opening.kind === 'stream') span.event('first token');
    note(deps, journey, target, 'ok', { status: result.response.status, started });
    deps.observer.firstByte(target, result.firstByteMs);
    deps.health.latency(target).add(result.firstByteMs);
    deps.health.answered(target, result.response.status);
    if (asksUsage && result.opening.kind === 'stream') deps.health.noteUsage(target, true);
  } else {
    const { outcome, answer, cause } = result;
    note(deps, journey, target, outcome, { status: answer?.status ?? null, started, cause });
    learn(deps, target, result, { what: () => fingerprint(body), who: journey.who });
    span.set({ 'http.response.status_code': answer?.status });
    span.end(outcome);
  }
  return { result, span };
}

interface Asker {
  /** Tells requests apart. */
  readonly what: () => string;
  readonly who: Who | null;
}

const fingerprint = (body: Buffer) => createHash('sha1').update(body).digest('base64');

/** What a failure says about the target beyond this request. */
function learn(
  { health, observer, settings }: TryDeps,
  target: Target,
  { outcome, answer }: Failure,
  { what, who }: Asker,
): void {
  const status = answer?.status ?? null;
  const agreed =
    outcome === 'refused' && answer?.clear === false && health.agrees(target, answer.status, what(), who);
  if (outcome === 'bad_credentials' || outcome === 'no_credit' || (agreed && status === 403)) {
    health.noteKey(target, true, status);
    health.rest(target, settings.bad_key_rest_ms);
  }
  if (outcome === 'model_retired' || (agreed && status === 404)) observer.modelRetired(target, status);
  if (outcome === 'status_429' && answer)
    health.rest(target, Math.min(retryAfterMs(answer.headers) ?? 0, MAX_REST_MS));
}

/** Silence that ends within so long is no reason to send headers before it is known what comes, milliseconds. */
const SOON_MS = 3_000;

/** A target that asks for a longer pause is tried last for so long at most. */
const MAX_REST_MS = 60_000;
