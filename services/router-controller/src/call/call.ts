/** call: asks the decision's targets in order until one answers, and relays its bytes. */
import { allTargets, type RouterConfig, type Target } from '../config/types.ts';
import { messagesError } from '../dialects/index.ts';
import { clientLeft, RouterError } from '../errors.ts';
import type { Logger, Metrics } from '../observe/index.ts';
import type { CallOutcome, RoutedRequest, Uncounted } from '../request.ts';
import { needsOf } from './attempts/capabilities.ts';
import { findAnswer } from './attempts/find-answer.ts';
import { errorObject, isRetried, lastWord } from './attempts/last-word.ts';
import type { TryDeps } from './attempts/try-target.ts';
import { Health } from './health/health.ts';
import { type CallHooks, type Journey, speechFor, startJourney, type Won } from './journey.ts';
import { type CallObserver, observeCalls } from './observer.ts';
import { type PassOutcome, type PassRequest, passOn } from './pass/pass-on.ts';
import { AnswerSeal } from './response-ids.ts';
import { answersOf, spendingOf } from './spending.ts';
import type { ClientResponse } from './stream/client-response.ts';
import { EarlyStream } from './stream/early.ts';
import { relay } from './stream/relay.ts';
import { relayTranslated } from './stream/relay-translated.ts';
import { REAL_TIME, type Time } from './time.ts';
import { responseHeaders } from './transport/headers.ts';
import { Transport } from './transport/transport.ts';
import { estimateUsage, usageCeiling } from './usage.ts';

export interface CallerDeps {
  readonly config: RouterConfig;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Replaces metrics and log as the listener. */
  readonly observer?: CallObserver;
  /** Replaces clock and timers in proofs. */
  readonly time?: Time;
}

export class UpstreamCaller {
  readonly #transport: Transport;
  readonly #health: Health;
  readonly #observer: CallObserver;
  readonly #time: Time;

  /** Breakers and pools take their settings from this first configuration; a reload does not change them. */
  constructor({ config, metrics, log, observer, time = REAL_TIME }: CallerDeps) {
    this.#time = time;
    const { upstream } = config.file;
    this.#observer = observer ?? observeCalls(metrics, log);
    this.#transport = new Transport({
      maxHeaderBytes: upstream.max_header_bytes,
      connectionsPerTarget: upstream.connections_per_target,
      connectionMaxAgeMs: upstream.connection_max_age_ms,
    });
    const breaker = {
      failures: upstream.breaker_failures,
      openMs: upstream.breaker_open_ms,
      openMaxMs: upstream.breaker_open_max_ms,
    };
    this.#health = new Health(breaker, this.#observer);
    this.#announce(config);
  }

  /** Lets go of targets that have left the table. Requests in flight end on the configuration they began with. */
  useConfig(config: RouterConfig): void {
    const targets = allTargets(config.table);
    this.#transport.keep(targets);
    this.#health.keep(targets);
    this.#announce(config);
  }

  #announce({ table }: RouterConfig): void {
    const targets = [...allTargets(table)];
    this.#transport.prepare(targets);
    this.#observer.targets(targets.map((target) => ({ target, ...this.#health.standing(target) })));
  }

  /** Passes a request on to a target without a decision; see passOn. */
  async passOn(
    target: Target,
    request: PassRequest,
    client: ClientResponse,
    own: Readonly<Record<string, string>>,
  ): Promise<PassOutcome> {
    const outcome = await passOn(this.#transport, target, request, client, own);
    if (outcome.doubt !== null) this.#observer.usageDoubted(target, outcome.doubt);
    return outcome;
  }

  /** Cuts what is still open. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  /**
   * Calls and relays. Everything the client gets is sent here, errors of the upstreams included.
   *
   * @throws RouterError when nothing was sent yet and no target answered.
   */
  async call(request: RoutedRequest, client: ClientResponse, hooks: CallHooks): Promise<CallOutcome> {
    const settings = request.config.file.upstream;
    const early =
      request.body.stream === true
        ? new EarlyStream({
            client,
            time: this.#time,
            everyMs: request.decision!.policy.heartbeatMs,
            holdMs: settings.opening_hold_ms,
            headers: hooks.headers(null),
          })
        : null;
    const journey = startJourney(request, hooks, request.facts?.needs ?? needsOf(request.body), early);
    const deps: TryDeps = {
      transport: this.#transport,
      health: this.#health,
      observer: this.#observer,
      settings,
      time: this.#time,
    };
    let won: Won | null;
    try {
      won = await findAnswer(deps, journey);
    } catch (error) {
      if (error instanceof RouterError) return this.#refuse(journey, client, error);
      throw error;
    } finally {
      early?.stop();
    }
    if (request.signal.aborted) {
      won?.answer.abort();
      won?.pass.end('unknown');
      return this.#abandoned(journey, client, won);
    }
    if (won) return this.#relay(journey, client, won);
    return this.#giveUp(journey, client, deps);
  }

  async #relay(journey: Journey, client: ClientResponse, won: Won): Promise<CallOutcome> {
    const { request, hooks } = journey;
    const { target, answer, hideUsage, pass, span } = won;
    request.phase = 'relay';
    try {
      const { signal } = request;
      const ceiling = ceilingOf(request, target);
      const headers = hooks.headers(target);
      const { translation } = speechFor(journey, target);
      const result = translation
        ? await relayTranslated(client, answer, {
            translation,
            stream: request.body.stream === true,
            usageCeiling: ceiling,
            headers,
            signal,
          })
        : await relay(client, answer, {
            answers: journey.answers,
            hideUsage,
            usageCeiling: ceiling,
            seal: sealFor(request, target),
            headers,
            signal,
          });
      if (result.doubt !== null) this.#observer.usageDoubted(target, result.doubt);
      // The router's own giving up (a stop) leaves a stream as unfinished as the upstream's fault does, but is none of its.
      const broke = result.incomplete && !signal.aborted;
      if (broke) this.#observer.incomplete(request, target, result.problem ?? 'no natural end');
      // Langfuse adds up what all spans of a trace have; the request's own span has what is charged.
      if (!request.config.file.tracing.langfuse)
        span.set({
          'gen_ai.usage.input_tokens': result.usage?.promptTokens,
          'gen_ai.usage.output_tokens': result.usage?.completionTokens,
        });
      span.end(broke ? 'incomplete' : signal.aborted ? 'client_closed_request' : null);
      pass.end(broke ? 'unhealthy' : signal.aborted ? 'unknown' : 'healthy');
      if (result.ends) request.upstreamEnds = result.ends;
      return {
        ...outcomeOf(journey, target, clientLeft(signal) ? 499 : answer.response.status),
        usage:
          result.usage ?? estimateUsage(promptOf(request, ceiling), result.contentEvents, result.written),
        uncounted: result.usage || result.written.texts.length === 0 ? null : result.written,
        streamed: answer.opening.kind === 'stream',
        incomplete: result.incomplete,
        firstByteMs: answer.firstByteMs,
        contentEvents: result.contentEvents,
      };
    } finally {
      answer.abort();
      pass.end('unknown');
    }
  }

  /** The client has left, or the router gives the request up and says why. */
  #abandoned(journey: Journey, client: ClientResponse, won: Won | null): CallOutcome {
    const { request, attempts } = journey;
    const { reason } = request.signal;
    if (reason instanceof RouterError) return this.#refuse(journey, client, reason);
    const outcome = outcomeOf(journey, null, 499);
    // Its prompt has gone upstream, where it is worked on and billed, whoever waits for the answer.
    const charged = won?.target ?? attempts.findLast((each) => each.outcome === 'aborted')?.target;
    if (!charged) return outcome;
    const prompt = estimateUsage(promptOf(request, ceilingOf(request, charged)), 0, NOTHING_WRITTEN);
    return { ...outcome, charged, usage: prompt, uncounted: NOTHING_WRITTEN };
  }

  /** No target answered: the last upstream's error answer goes through, else the router says what happened. */
  #giveUp(journey: Journey, client: ClientResponse, { settings }: TryDeps): CallOutcome {
    const word = lastWord(journey, settings.breaker_open_ms);
    if (word.kind === 'router') return this.#refuse(journey, client, word.error);
    const { tried, answer } = word;
    const { status, headers } = answer;
    const { request } = journey;
    const told = () => Buffer.from(JSON.stringify(errorObject(tried, answer)));
    const toldAsMessage = () =>
      Buffer.from(JSON.stringify(messagesError(status, errorObject(tried, answer).error, request.id)));
    if (client.headersSent) {
      client.end(journey.answers.errorEvent(errorObject(tried, answer)));
    } else {
      // An error of a chat completion is told in the client's own words; where both are OpenAI's, they are the same.
      const foreign =
        request.endpoint.dialect === 'messages' && speechFor(journey, tried.target).translation !== null;
      const kept = foreign ? null : answer.body;
      const body = kept ?? (foreign ? toldAsMessage() : told());
      client.writeHead(status, {
        ...(kept ? responseHeaders(headers, false) : { 'content-type': 'application/json' }),
        ...(isRetried(status) && { 'x-should-retry': 'false' }),
        ...journey.hooks.headers(tried.target),
        'content-length': body.length,
      });
      client.end(body);
    }
    return outcomeOf(journey, tried.target, status);
  }

  #refuse(journey: Journey, client: ClientResponse, error: RouterError): CallOutcome {
    const outcome = outcomeOf(journey, null, error.status);
    // The attempts belong into the log also when the error is told by who called.
    journey.request.outcome = outcome;
    if (!client.headersSent) throw error;
    client.end(journey.answers.errorEvent(error.toBody()));
    return outcome;
  }
}

/** The caller of a running controller. */
export function createCaller(deps: CallerDeps): UpstreamCaller {
  return new UpstreamCaller(deps);
}

/** Most tokens that the call can have used. */
const ceilingOf = ({ body, config }: RoutedRequest, target: Target): number =>
  usageCeiling(target, answersOf(body), config.file.admission.max_reported_tokens);

/** Estimated tokens of the prompt. */
function promptOf({ body, raw, config }: RoutedRequest, ceiling: number): number {
  return Math.min(ceiling, spendingOf(body, raw.bytes.length, config.file.admission.media).promptTokens);
}

const NOTHING_WRITTEN: Uncounted = { texts: [], bytes: 0 };

/** Ids that a client may name later are sealed; nobody asks for a response again that is not stored. */
function sealFor({ endpoint, earlier, foreign, caller }: RoutedRequest, target: Target): AnswerSeal | null {
  if (endpoint.dialect !== 'responses' || foreign?.value.store === false) return null;
  return new AnswerSeal(target, caller.tenant, earlier ?? null);
}

function outcomeOf(journey: Journey, target: Target | null, status: number): CallOutcome {
  return {
    target,
    charged: target,
    attempts: journey.attempts,
    status,
    usage: null,
    uncounted: null,
    streamed: false,
    incomplete: false,
    firstByteMs: null,
    startedMs: journey.started - journey.request.receivedAt,
    upstreamMs: performance.now() - journey.started,
    contentEvents: 0,
  };
}
