/** call: asks the decision's targets in order until one answers, and relays its bytes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RouterConfig, Target } from '../config/types.ts';
import { RouterError } from '../errors.ts';
import type { Logger, Metrics } from '../observe/index.ts';
import type { Attempt, AttemptOutcome, CallOutcome, Decision, RoutedRequest, Usage } from '../request.ts';
import { type Answer, type AttemptResult, attempt, type Failure } from './attempt.ts';
import { lacks, type Needs, needsOf } from './capabilities.ts';
import type { ClientResponse } from './client-response.ts';
import { responseHeaders, retryAfterMs } from './headers.ts';
import { Health } from './health.ts';
import { startHeartbeat } from './heartbeat.ts';
import { FALLS_BACK, RETRIES } from './outcome.ts';
import { errorEvent, relay } from './relay.ts';
import { Transport } from './transport.ts';
import { asksForUsage, estimateUsage } from './usage.ts';

export interface CallHooks {
  /** The router's own headers for an answer that the target gave, or for none. */
  readonly headers: (target: Target | null) => Readonly<Record<string, string>>;
  /** Limits of the target itself; a refusal moves on to the next. */
  readonly admitTarget?: (target: Target) => Promise<RouterError | null>;
}

export interface CallerDeps {
  readonly config: RouterConfig;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Pause before a retry: doubles, with full jitter, and never longer than this. */
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 5_000;

interface Tried {
  readonly target: Target;
  readonly failure: Failure;
}

/** One request's way through its targets. */
interface Journey {
  readonly request: RoutedRequest;
  readonly decision: Decision;
  readonly hooks: CallHooks;
  readonly needs: Needs;
  readonly attempts: Attempt[];
  readonly tried: Tried[];
  readonly started: number;
  refusal: RouterError | null;
}

export class UpstreamCaller {
  readonly #deps: CallerDeps;
  readonly #transport = new Transport();
  readonly #health: Health;
  /** Targets that refuse `stream_options`: the router does not ask them for usage again. */
  readonly #noStreamOptions = new WeakSet<Target>();

  constructor(deps: CallerDeps) {
    this.#deps = deps;
    this.#health = new Health(deps.metrics);
  }

  useConfig(config: RouterConfig): void {
    this.#transport.keep(config.table.targets.values());
    this.#health.keep(config.table.targets.values());
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  /**
   * Calls and relays. Everything the client gets is sent here, errors of the upstreams included.
   *
   * @throws RouterError when nothing was sent yet and no target answered.
   */
  async call(request: RoutedRequest, client: ClientResponse, hooks: CallHooks): Promise<CallOutcome> {
    const decision = request.decision!;
    const journey: Journey = {
      request,
      decision,
      hooks,
      needs: needsOf(request.body),
      attempts: [],
      tried: [],
      started: performance.now(),
      refusal: null,
    };
    const streamed = request.body.stream === true;
    const stopHeartbeat = startHeartbeat(
      client,
      streamed ? decision.policy.heartbeatMs : 0,
      hooks.headers(null),
    );
    let found: { target: Target; answer: Answer; asked: boolean } | null;
    try {
      found = await this.#find(journey);
    } finally {
      stopHeartbeat();
    }
    if (request.signal.aborted) {
      found?.answer.abort();
      return this.#outcome(journey, null, 499, null);
    }
    if (!found) return this.#giveUp(journey, client);
    return this.#relay(journey, client, found);
  }

  /** Asks target after target within the request's one budget of attempts and time. */
  async #find(journey: Journey): Promise<{ target: Target; answer: Answer; asked: boolean } | null> {
    const { request, decision } = journey;
    const { attempts, time_ms } = decision.policy.retryBudget;
    let made = 0;
    let backoff = BACKOFF_FIRST_MS;
    let left = this.#capable(journey);
    for (;;) {
      const waits = new Map<Target, number>();
      for (const target of left) {
        if (request.signal.aborted || made >= attempts || performance.now() - journey.started > time_ms)
          return null;
        const result = await this.#try(journey, target);
        if (result.kind === 'answer') {
          return { target, answer: result, asked: this.#asks(journey, target) };
        }
        journey.tried.push({ target, failure: result });
        const { outcome } = result;
        if (outcome !== 'breaker_open' && outcome !== 'limited') made++;
        if (!FALLS_BACK.has(outcome)) return null;
        this.#deps.metrics.fallbacks.inc({
          policy: decision.policy.name,
          entry: decision.entry.name,
          reason: outcome,
        });
        if (RETRIES.has(outcome)) {
          const asked = result.answer ? retryAfterMs(result.answer.headers) : null;
          waits.set(target, asked ?? Math.random() * backoff);
        }
      }
      // Every target failed once: those that may recover are asked again, the soonest first, within the same budget.
      const timeLeft = time_ms - (performance.now() - journey.started);
      left = [...waits].sort((a, b) => a[1] - b[1]).map(([target]) => target);
      const wait = waits.get(left[0]!);
      if (wait === undefined || wait > Math.min(timeLeft, BACKOFF_MAX_MS) || made >= attempts) return null;
      await sleep(wait, undefined, { signal: request.signal }).catch(() => {});
      backoff = Math.min(BACKOFF_MAX_MS, backoff * 2);
    }
  }

  /** Targets that can do what the request needs; those with a refused key come last. */
  #capable(journey: Journey): Target[] {
    const able: Target[] = [];
    const reasons: string[] = [];
    for (const target of journey.decision.targets) {
      const missing = lacks(target, journey.needs);
      if (missing.length === 0) able.push(target);
      else {
        reasons.push(`${target.name} lacks ${missing.join(', ')}`);
        this.#note(journey, target, 'incapable', null, performance.now());
      }
    }
    if (able.length === 0) {
      throw new RouterError(
        'no_capable_target',
        `No target of entry '${journey.decision.entry.name}' can do this: ${reasons.join('; ')}`,
      );
    }
    return able.sort((a, b) => Number(this.#health.hasBadKey(a)) - Number(this.#health.hasBadKey(b)));
  }

  #asks({ request }: Journey, target: Target): boolean {
    return asksForUsage(request.body) && !this.#noStreamOptions.has(target);
  }

  #body({ request }: Journey, target: Target, ask: boolean): Buffer {
    const body: Record<string, unknown> = { ...request.body, model: target.model };
    if (ask) body.stream_options = { ...(body.stream_options as object | undefined), include_usage: true };
    return Buffer.from(JSON.stringify(body));
  }

  async #try(journey: Journey, target: Target): Promise<AttemptResult> {
    const { request, hooks } = journey;
    const refusal = await hooks.admitTarget?.(target);
    if (refusal) {
      journey.refusal = refusal;
      const started = performance.now();
      this.#note(journey, target, 'limited', null, started);
      return { kind: 'failure', outcome: 'limited', message: refusal.message, answer: null };
    }
    const send = (ask: boolean) => {
      const started = performance.now();
      const { traceparent } = request.headers;
      const headers: Record<string, string> = typeof traceparent === 'string' ? { traceparent } : {};
      const options = {
        path: request.path,
        body: this.#body(journey, target, ask),
        stream: request.body.stream === true,
        headers,
      };
      return this.#health
        .guard(target, () => attempt(this.#transport, target, options, request.signal))
        .then((result) => {
          const status = result.kind === 'answer' ? result.response.status : (result.answer?.status ?? null);
          const outcome = result.kind === 'answer' ? 'ok' : result.outcome;
          if (result.kind === 'answer')
            this.#deps.metrics.ttft.observe({ target: target.name }, result.firstByteMs / 1000);
          this.#note(journey, target, outcome, status, started);
          return result;
        });
    };
    const asks = this.#asks(journey, target);
    const result = await send(asks);
    if (asks && refusesStreamOptions(result)) {
      this.#noStreamOptions.add(target);
      this.#deps.log.warn('target refuses stream_options; its streams are counted by estimate', {
        target: target.name,
      });
      return send(false);
    }
    return result;
  }

  #note(
    journey: Journey,
    target: Target,
    outcome: AttemptOutcome,
    status: number | null,
    started: number,
  ): void {
    const { metrics, log } = this.#deps;
    metrics.attempts.inc({ target: target.name, outcome });
    journey.attempts.push({
      target,
      outcome,
      status,
      startedMs: started - journey.request.receivedAt,
      durationMs: performance.now() - started,
    });
    if (outcome === 'bad_credentials') {
      if (!this.#health.hasBadKey(target))
        log.error('upstream refuses our key', { target: target.name, status });
      this.#health.noteKey(target, true);
    } else if (outcome === 'ok') this.#health.noteKey(target, false);
    if (outcome === 'model_retired') {
      metrics.retired.inc({ target: target.name });
      log.error('upstream does not know the model (any more)', {
        target: target.name,
        model: target.model,
        status,
      });
    }
  }

  async #relay(
    journey: Journey,
    client: ClientResponse,
    { target, answer, asked }: { target: Target; answer: Answer; asked: boolean },
  ): Promise<CallOutcome> {
    const { request, hooks } = journey;
    const { metrics, log } = this.#deps;
    request.phase = 'relay';
    const onAbort = () => answer.abort();
    request.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const result = await relay(client, answer, {
        hideUsage: asked,
        headers: hooks.headers(target),
        signal: request.signal,
      });
      if (result.incomplete && !request.signal.aborted) {
        metrics.incomplete.inc({ target: target.name });
        log.warn('incomplete answer', {
          request_id: request.id,
          target: target.name,
          problem: result.problem,
        });
      }
      const usage =
        result.usage ?? estimateUsage(request.bodyBytes, result.contentEvents, result.contentChars);
      return {
        ...this.#outcome(journey, target, request.signal.aborted ? 499 : answer.response.status, usage),
        streamed: answer.stream !== null,
        incomplete: result.incomplete,
        firstByteMs: answer.firstByteMs,
        contentEvents: result.contentEvents,
      };
    } finally {
      request.signal.removeEventListener('abort', onAbort);
      answer.abort();
    }
  }

  /** No target answered. The last error answer of an upstream goes through; else the router says what happened. */
  #giveUp(journey: Journey, client: ClientResponse): CallOutcome {
    const last = journey.tried.findLast(
      ({ failure }) => failure.answer && failure.outcome !== 'bad_credentials',
    );
    const ended = journey.tried.at(-1);
    // Only an upstream's own word on the request, or its last word when nothing worse came after it.
    if (last?.failure.answer && (last === ended || last.failure.outcome === 'status_4xx')) {
      return this.#passError(journey, client, last.target, last.failure.answer);
    }
    const error = this.#error(journey);
    if (!client.headersSent) throw error;
    client.write(errorEvent(error));
    client.end();
    return this.#outcome(journey, null, error.status, null);
  }

  #passError(
    journey: Journey,
    client: ClientResponse,
    target: Target,
    answer: NonNullable<Failure['answer']>,
  ): CallOutcome {
    const { headers, status, body } = answer;
    if (client.headersSent) {
      client.write(errorEvent(new RouterError('upstream_error', `${target.name} answered ${status}`)));
      client.end();
    } else {
      const retried = status === 408 || status === 409 || status === 429 || status >= 500;
      client.writeHead(status, {
        ...responseHeaders(headers, true),
        ...(retried && { 'x-should-retry': 'false' }),
        ...journey.hooks.headers(target),
        'content-length': body.length,
      });
      client.end(body);
    }
    return this.#outcome(journey, target, status, null);
  }

  #error(journey: Journey): RouterError {
    const { decision, tried } = journey;
    const told = tried.map(({ target, failure }) => `${target.name}: ${failure.message}`).join('; ');
    const headers = { 'x-should-retry': 'false' };
    const outcomes = tried.map(({ failure }) => failure.outcome);
    const last = outcomes.at(-1);
    const where = `entry '${decision.entry.name}' of policy '${decision.policy.name}'`;
    if (last === 'limited' && journey.refusal) return journey.refusal;
    if (outcomes.length > 0 && outcomes.every((outcome) => outcome === 'breaker_open')) {
      return new RouterError(
        'upstream_unavailable',
        `Every target of ${where} rests after failures. ${told}`,
        {
          headers: { 'retry-after': '5', ...headers },
        },
      );
    }
    if (last === 'bad_credentials') {
      return new RouterError(
        'upstream_bad_credentials',
        `The upstream refused the router’s own key for ${where}. ${told}`,
        { headers },
      );
    }
    if (last?.startsWith('timeout')) {
      return new RouterError('upstream_timeout', `No target of ${where} answered in time. ${told}`, {
        headers,
      });
    }
    return new RouterError(
      'upstream_error',
      `No target of ${where} could be reached, or each broke its answer. ${told}`,
      { headers },
    );
  }

  #outcome(journey: Journey, target: Target | null, status: number, usage: Usage | null): CallOutcome {
    return {
      target,
      attempts: journey.attempts,
      status,
      usage,
      streamed: false,
      incomplete: false,
      firstByteMs: null,
      upstreamMs: performance.now() - journey.started,
      contentEvents: 0,
    };
  }
}

/** An upstream that knows no `stream_options` says so with a 400 or 422 that names it. */
function refusesStreamOptions(result: AttemptResult): boolean {
  if (result.kind === 'answer' || !result.answer) return false;
  const { status, body } = result.answer;
  return (status === 400 || status === 422) && body.includes('stream_options');
}
