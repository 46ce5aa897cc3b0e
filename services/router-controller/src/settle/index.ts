/** settle: what a request came to, in metrics and one log line. Called exactly once per request. */

import { speaks } from '../call/index.ts';
import type { RouterConfig, Target } from '../config/types.ts';
import { clientLeft, RouterError } from '../errors.ts';
import { InFlight } from '../in-flight.ts';
import { holderOf, type Ledger } from '../ledger/index.ts';
import { BoundedNames, type Logger, logRequest, type Metrics } from '../observe/index.ts';
import type { Caller, CallOutcome, RoutedRequest, Timings, Usage } from '../request.ts';
import { answerOf, wasSent } from './answer.ts';
import { conversationSaving } from './conversation-savings.ts';
import { costOf, savingsOf } from './cost.ts';
import { decisionOf } from './decision-log.ts';
import type { Feedback, FeedbackRecord } from './feedback.ts';
import { outcomeOfPassed, type PassedRequest, usageOfPassed } from './passed.ts';
import { Records, spendOf, spendOfPassed } from './records/index.ts';
import { countPrompt, recount } from './recount.ts';
import { endSpan } from './span.ts';
import { TokenCounter } from './token-counter.ts';
import { valueSavings } from './value-savings.ts';

export { costOf, savingsOf } from './cost.ts';
export { type DecisionRecord, type LoggedOffer, type LoggedValue, toldValue } from './decision-log.ts';
export { Feedback, type FeedbackRecord, type FeedbackSource, type Scored, SOURCES } from './feedback.ts';
export type { SpendRecord } from './records/index.ts';

const seconds = (ms: number) => ms / 1000;
const round = (ms: number) => Math.round(ms * 100) / 100;

function rounded(timings: Timings): Timings {
  const told: Timings = {};
  for (const phase in timings) told[phase as keyof Timings] = round(timings[phase as keyof Timings]!);
  return told;
}

function resultOf(status: number): string {
  if (status < 400) return 'ok';
  if (status === 429) return 'limited';
  if (status === 499) return 'left';
  return status < 500 ? 'client_error' : 'error';
}

const genAiLabels = (target: Target) => ({
  gen_ai_operation_name: 'chat',
  gen_ai_provider_name: provider(target),
  gen_ai_request_model: target.model,
});

const providers = new WeakMap<Target, string>();

/** Provider by the host of the API, as OTel's attribute wants it: bounded by the configuration. */
function provider(target: Target): string {
  let name = providers.get(target);
  if (name === undefined) {
    name = new URL(target.apiBase).hostname;
    providers.set(target, name);
  }
  return name;
}

/** How a request ended, as far as it hangs on no tokens. */
interface Ended {
  readonly status: number;
  readonly code: string;
  readonly error: RouterError | null;
  /** The client had left. */
  readonly gone: boolean;
  readonly elapsed: number;
  /** `performance.now()` then. */
  readonly endedAt: number;
}

/** Tokens as the log line tells them, by the names of OpenAI's API. */
const told = (usage: Usage | null | undefined) =>
  usage && {
    prompt_tokens: usage.promptTokens,
    cached_tokens: usage.cachedTokens,
    completion_tokens: usage.completionTokens,
    source: usage.source,
  };

export class Settler {
  readonly #metrics: Metrics;
  readonly #log: Logger;
  readonly #ledger: Ledger | null;
  readonly #tenants = new BoundedNames();
  readonly #counter: TokenCounter;
  /** Requests whose tokens are being counted. */
  readonly #counting = new InFlight<Promise<void>>();
  #feedback: Feedback | null = null;
  readonly #records: Records;

  constructor(
    metrics: Metrics,
    log: Logger,
    ledger: Ledger | null = null,
    counter: TokenCounter = new TokenCounter(log),
  ) {
    this.#metrics = metrics;
    this.#log = log;
    this.#ledger = ledger;
    this.#counter = counter;
    this.#records = new Records(metrics, log);
  }

  /** Where answered requests are remembered; scores go to the decision log. */
  rememberBy(make: (note: (record: FeedbackRecord) => void) => Feedback): Feedback {
    this.#feedback = make((record) => this.#records.note('decisions', record));
    return this.#feedback;
  }

  /** Begins, changes or ends the logs of decisions and of spend. */
  useConfig({ file }: RouterConfig): void {
    this.#feedback?.useConfig(file.feedback);
    this.#records.useConfig(file);
  }

  /** Resolves when all that was settled is counted and written. */
  async close(): Promise<void> {
    await Promise.all(this.#counting);
    await this.#counter.close();
    await this.#records.close();
  }

  /** For a client that asks how long its request is. */
  countPrompt(request: RoutedRequest): ReturnType<typeof countPrompt> {
    return countPrompt(this.#counter, request);
  }

  /** A request that ended before it had a policy: bad JSON, no key, unknown policy. */
  refuse(id: string, address: string, error: RouterError, elapsedMs: number): void {
    this.#metrics.v1Requests.inc();
    this.#metrics.v1Failure.inc({ error_type: error.code });
    this.#metrics.v1Latency.observe(seconds(elapsedMs));
    this.#metrics.requests.inc({ policy: '', status: String(error.status), code: error.code });
    if (error.code === 'client_closed_request') this.#metrics.disconnects.inc({ phase: 'receive' });
    logRequest(this.#log, {
      request_id: id,
      address,
      status: error.status,
      code: error.code,
      ms: round(elapsedMs),
    });
  }

  /**
   * @param onCounted told the tokens where `request.outcome` had only an estimate of them.
   * @param onCharged when all of it is charged, whatever came between.
   */
  settle(
    request: RoutedRequest,
    error: RouterError | null,
    onCounted: (usage: Usage) => void = () => {},
    onCharged: () => void = () => {},
  ): void {
    const endedAt = performance.now();
    const elapsed = endedAt - request.receivedAt;
    const { decision, outcome, policy, timings } = request;
    const m = this.#metrics;
    const gone = clientLeft(request.signal) || error?.code === 'client_closed_request';
    const status = gone ? 499 : (outcome?.status ?? error?.status ?? 500);
    const { reason } = request.signal;
    const ended = reason instanceof RouterError ? reason.code : status >= 400 ? 'upstream_error' : '';
    const code = gone ? 'client_closed_request' : (error?.code ?? ended);
    const streamed = String(request.body.stream === true);

    m.requests.inc({ policy: policy.name, status: String(status), code });
    m.duration.observe({ policy: policy.name, stream: streamed }, seconds(elapsed));
    if (gone) m.disconnects.inc({ phase: request.phase });
    m.tenantRequests.inc({ tenant: this.#tenants.label(request.caller.tenant), result: resultOf(status) });
    for (const [phase, ms] of Object.entries(timings))
      if (phase !== 'call') m.phase.observe({ phase }, seconds(ms));
    const sentAt = outcome?.attempts.find(wasSent)?.startedMs;
    if (outcome && sentAt !== undefined)
      m.phase.observe({ phase: 'send' }, seconds(sentAt - outcome.startedMs));
    this.#answered(request);

    m.v1Requests.inc();
    m.v1PerPolicy.inc({ policy: policy.name });
    m.v1PolicyUsage.inc({ routing_policy: policy.name });
    m.v1Latency.observe(seconds(elapsed));
    if (status < 400) m.v1Success.inc();
    else m.v1Failure.inc({ error_type: code });
    if (decision) {
      m.v1PerModel.inc({ model: decision.entry.name });
      m.v1Selection.observe(seconds(timings.decide ?? 0));
      m.v1Overhead.observe(
        seconds((timings.authenticate ?? 0) + (timings.admit ?? 0) + (timings.decide ?? 0)),
      );
      if (outcome) m.v1LlmTime.observe({ llm: decision.entry.name }, seconds(outcome.upstreamMs));
    }

    const end: Ended = { status, code, error, gone, elapsed, endedAt };
    if (outcome?.uncounted && request.config.file.admission.tokenizer !== 'none')
      this.#count(request, outcome, end, onCounted, onCharged);
    else {
      this.#close(request, end);
      onCharged();
    }
    m.phase.observe({ phase: 'settle' }, seconds(performance.now() - endedAt));
  }

  /** A request that was passed on without a decision, or refused on its way there. @returns what limits are settled with */
  settlePassed(passed: PassedRequest): CallOutcome {
    const { id, address, caller, target, rule, method, status, code, incomplete, elapsedMs } = passed;
    const usage = usageOfPassed(passed);
    const m = this.#metrics;
    m.requests.inc({ policy: '', status: String(status), code });
    m.passed.inc({ rule, target: target?.name ?? '', status: String(status) });
    if (caller)
      m.tenantRequests.inc({ tenant: this.#tenants.label(caller.tenant), result: resultOf(status) });
    const cost = caller && target && usage ? this.#charge(caller, '', target, usage) : null;
    if (caller && this.#records.keeps('spend'))
      this.#records.note('spend', spendOfPassed(passed, caller, usage, cost));
    logRequest(this.#log, {
      request_id: id,
      address: caller ? undefined : address,
      caller: caller?.id,
      tenant: caller?.tenant,
      passed: rule || undefined,
      method,
      target: target?.name,
      status,
      code: code || undefined,
      incomplete: incomplete || undefined,
      usage: told(usage) ?? undefined,
      cost_usd: cost ?? undefined,
      ms: round(elapsedMs),
    });
    return outcomeOfPassed(passed, usage);
  }

  /** Its lines in the logs of decisions and of spend. */
  #note(request: RoutedRequest, status: number, cost: number | null, elapsedMs: number): void {
    if (this.#records.keeps('decisions')) {
      const decision = decisionOf(request, status, cost, request.config.file.decision_log);
      if (decision) this.#records.note('decisions', decision);
    }
    if (this.#records.keeps('spend')) this.#records.note('spend', spendOf(request, status, cost, elapsedMs));
  }

  #count(
    request: RoutedRequest,
    outcome: CallOutcome,
    end: Ended,
    onCounted: (usage: Usage) => void,
    onCharged: () => void,
  ): void {
    const counting: Promise<void> = recount(this.#counter, request)
      .then((usage) => {
        if (usage) {
          request.outcome = { ...outcome, usage, uncounted: null };
          onCounted(usage);
        }
        this.#close(request, end);
      })
      .catch((cause: unknown) => {
        this.#log.error('internal error', { request_id: request.id, error: cause });
      })
      .finally(() => {
        this.#counting.remove(place);
        onCharged();
      });
    const place = this.#counting.add(counting);
  }

  /** What hangs on the tokens: money, the decision log, the span and the log line. */
  #close(request: RoutedRequest, { status, code, error, gone, elapsed, endedAt }: Ended): void {
    const { decision, outcome, policy, timings } = request;
    const cost = this.#tokens(request);
    this.#note(request, status, cost, elapsed);
    this.#feedback?.remember(request);
    const { logging } = request.config.file;
    endSpan(request, status, code, cost, performance.now() - endedAt);
    logRequest(this.#log, {
      request_id: request.id,
      trace_id: request.span?.traceId ?? undefined,
      caller: request.caller.id,
      tenant: request.caller.tenant,
      policy: policy.name,
      entry: decision?.entry.name,
      label: decision?.label,
      confidence: decision?.confidence,
      reason: decision?.reason,
      rule: decision?.rule ?? undefined,
      second_look: decision?.secondLook || undefined,
      turn: request.facts?.turn.kind,
      agent: request.facts?.features.agent ?? undefined,
      side_request: request.facts?.features.sideRequest ?? undefined,
      conversation: decision?.stay?.key,
      model_version: decision?.modelVersion ?? undefined,
      cached: decision?.cached || undefined,
      target: outcome?.target?.name,
      api: request.foreign ? request.endpoint.dialect : undefined,
      translated: (request.foreign && outcome?.target && !speaks(outcome.target, request)) || undefined,
      status,
      code: code || undefined,
      stream: request.body.stream === true,
      incomplete: outcome?.incomplete || undefined,
      attempts: outcome?.attempts.map((a) => ({
        target: a.target.name,
        outcome: a.outcome,
        status: a.status,
        ms: round(a.durationMs),
      })),
      usage: told(outcome?.usage) ?? undefined,
      cost_usd: cost ?? undefined,
      truncated: decision?.truncated || undefined,
      phase: gone ? request.phase : undefined,
      error: error && error.status >= 500 ? error.message : undefined,
      ms: round(elapsed),
      ms_by_phase: rounded(timings),
      first_byte_ms: outcome?.firstByteMs == null ? undefined : round(outcome.firstByteMs),
      prompt: logging.prompts ? request.facts?.ask.text : undefined,
    });
  }

  /** How long the upstream took, which hangs on no tokens. */
  #answered({ decision, outcome }: RoutedRequest): void {
    if (!decision || !outcome) return;
    const m = this.#metrics;
    const { target } = outcome;
    const answer = answerOf(outcome);
    if (!target || !answer) {
      const last = outcome.attempts.findLast(wasSent);
      if (last)
        m.genAiDuration.observe(
          { ...genAiLabels(last.target), error_type: last.outcome },
          seconds(last.durationMs),
        );
      return;
    }
    const genAi = genAiLabels(target);
    m.upstreamSeconds.observe({ target: target.name }, seconds(answer.ms));
    m.genAiDuration.observe(
      {
        ...genAi,
        error_type: !outcome.incomplete
          ? ''
          : outcome.status === 499
            ? 'client_closed_request'
            : 'incomplete',
      },
      seconds(answer.ms),
    );
    // An attempt has its answer when the first content has come.
    if (outcome.streamed) {
      m.ttft.observe({ target: target.name }, seconds(answer.firstMs));
      m.genAiTtft.observe(genAi, seconds(answer.firstMs));
    }
  }

  #tokens(request: RoutedRequest): number | null {
    const { decision, outcome, policy } = request;
    const m = this.#metrics;
    if (!decision || !outcome) return null;
    const { charged: target, usage } = outcome;
    const answer = answerOf(outcome);
    if (!target || !usage) return null;
    const genAi = genAiLabels(target);
    const { promptTokens, completionTokens } = usage;
    m.genAiTokens.observe({ ...genAi, gen_ai_token_type: 'input' }, promptTokens);
    m.genAiTokens.observe({ ...genAi, gen_ai_token_type: 'output' }, completionTokens);
    if (answer && outcome.streamed && completionTokens > 1) {
      const each = seconds(Math.max(0, answer.ms - answer.firstMs) / (completionTokens - 1));
      m.perToken.observe({ target: target.name }, each);
      m.genAiPerToken.observe(genAi, each);
    }
    const llm_name = decision.entry.name;
    m.v1Tokens.inc({ llm_name, category: 'prompt' }, promptTokens);
    m.v1Tokens.inc({ llm_name, category: 'completion' }, completionTokens);
    m.v1Tokens.inc({ llm_name, category: 'total' }, promptTokens + completionTokens);
    const cost = this.#charge(request.caller, policy.name, target, usage);
    if (cost !== null) {
      m.savings.inc({ policy: policy.name }, savingsOf(request, cost, usage));
      const kept = conversationSaving(decision, target, usage);
      for (const { against, usd } of decision.weighed
        ? valueSavings(decision.weighed, target, usage, cost)
        : [])
        m.valueSaved.inc({ policy: decision.policy.name, against }, usd);
      if (kept) m.conversationSavings.inc({ policy: policy.name, by: kept.by }, kept.usd);
    }
    return cost;
  }

  /** Counts and books what one call used. @returns what it cost, USD; null: the target has no price */
  #charge(caller: Caller, policy: string, target: Target, usage: Usage): number | null {
    const m = this.#metrics;
    const { promptTokens, cachedTokens, completionTokens, source } = usage;
    const by = { policy, target: target.name, source };
    const tenant = this.#tenants.label(caller.tenant);
    m.tokens.inc({ ...by, type: 'input' }, promptTokens - cachedTokens);
    m.tokens.inc({ ...by, type: 'cached_input' }, cachedTokens);
    m.tokens.inc({ ...by, type: 'output' }, completionTokens);
    m.tenantTokens.inc({ tenant, type: 'input' }, promptTokens);
    m.tenantTokens.inc({ tenant, type: 'output' }, completionTokens);
    const cost = costOf(target, usage);
    if (cost !== null) {
      m.cost.inc({ policy, target: target.name }, cost);
      m.tenantCost.inc({ tenant }, cost);
    } else m.unpriced.inc({ policy, target: target.name });
    const event = {
      key: caller.id,
      tenant: caller.tenant,
      policy,
      target: target.name,
      usage,
      costUsd: cost,
    };
    this.#ledger?.usage.note(event);
    this.#ledger?.budgets.charge(holderOf(caller, policy), event);
    return cost;
  }
}
