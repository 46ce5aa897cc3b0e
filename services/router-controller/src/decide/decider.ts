/** decide: prompt text → classifier → policy → decision. Pure but for the classifier, the store and the dice it is given. */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { mayUsePolicy, mayUseTarget, visibleEntries } from '../authenticate/index.ts';
import type { Policy, RouterConfig, Target } from '../config/types.ts';
import { echo } from '../echo.ts';
import { abortError, RouterError } from '../errors.ts';
import { type Logger, type Metrics, NO_SPAN, type Span } from '../observe/index.ts';
import type { RedisVisit } from '../redis/index.ts';
import type { ChatBody, Decision, DecisionReason, RoutedRequest } from '../request.ts';
import { type Choice, type Classification, chooseEntry, findManual, orderTargets } from './choose/choose.ts';
import { guessLabel } from './classify/heuristic.ts';
import { ClassifierError } from './classify/model-client.ts';
import {
  type ClassifierStatus,
  LabelMismatch,
  PolicyClassifier,
  type PolicyClassifierDeps,
} from './classify/policy-classifier.ts';
import { type PromptText, promptText } from './prompt-text.ts';
import { MemoryStore, type SharedStore } from './shared-store.ts';
import { Conversations, conversationKey, type Pin } from './stay/conversations.ts';

export interface DeciderDeps {
  readonly config: RouterConfig;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Shared by replicas; default: memory. */
  readonly store?: SharedStore;
  readonly connect?: PolicyClassifierDeps['connect'];
  readonly random?: () => number;
}

/** What a decision is made from; a request, or a line of `/v1/route`. */
export interface DecisionInput {
  /** Whose policy it is: a request ends on the configuration it began with. */
  readonly config: RouterConfig;
  readonly policy: Policy;
  readonly body: ChatBody;
  readonly strategy: 'triton' | 'manual';
  readonly model: string | null;
  readonly threshold: number | null;
  readonly allowedTargets: readonly string[] | null;
  /** What was decided for one tenant tells another one nothing, not by its time either. */
  readonly tenant: string;
  readonly conversation: string | null;
  readonly signal?: AbortSignal;
  /** The classification is traced under it. */
  readonly span?: Span;
  readonly visit?: RedisVisit;
}

interface Classified {
  readonly classification: Classification;
  readonly cached: boolean;
}

/** Longest wait where there is nothing to fall back to: a late answer is better than a 503 then. */
const PATIENCE_MS = 2_000;
/** A reload does not wait long for a classifier that is away: it is watched in the background then. */
const RELOAD_WAIT_MS = 2_000;
const CACHED_CHARS = 20_000;
/** Of a shadow's disagreements one in so long is told, ms. */
const SHADOW_SAMPLE_MS = 1_000;

export class Decider {
  readonly #deps: DeciderDeps;
  readonly #conversations: Conversations;
  readonly #store: SharedStore;
  readonly #random: () => number;
  #config: RouterConfig;
  /** Those of the configuration in force, by policy. */
  #classifiers: ReadonlyMap<string, PolicyClassifier>;
  /** Also those of configurations that requests in flight began with. */
  readonly #byPolicy = new WeakMap<Policy, PolicyClassifier>();
  #cache: LRUCache<string, Classification>;
  #shadowTold = Number.NEGATIVE_INFINITY;

  constructor(deps: DeciderDeps) {
    this.#deps = deps;
    this.#random = deps.random ?? Math.random;
    this.#store = deps.store ?? new MemoryStore(50_000);
    this.#conversations = new Conversations(this.#store);
    this.#config = deps.config;
    this.#classifiers = this.#connect(deps.config, new Map());
    this.#cache = this.#newCache(deps.config);
  }

  #newCache({ file: { classifier } }: RouterConfig): LRUCache<string, Classification> {
    return new LRUCache({ max: Math.max(1, classifier.cache_entries), ttl: classifier.cache_ttl_ms });
  }

  /** A classifier for every policy; one that serves the same models and labels is kept, with its channel and breaker. */
  #connect(
    config: RouterConfig,
    known: ReadonlyMap<string, PolicyClassifier>,
  ): Map<string, PolicyClassifier> {
    const { metrics, log, connect } = this.#deps;
    return new Map(
      [...config.table.policies.values()].map((policy) => {
        const before = known.get(policy.name);
        if (before?.serves(policy, config.file.classifier)) return [policy.name, before];
        const classifier = new PolicyClassifier(policy, config.file.classifier, {
          ...(connect && { connect }),
          onBatch: (size) => metrics.classifierBatch.observe(size),
          onStatus: (status) => {
            metrics.classifierReady.set({ policy: policy.name }, status.ready ? 1 : 0);
            if (status.ready)
              log.info('classifier ready', {
                policy: policy.name,
                model_version: status.modelVersion,
                labels: status.labels,
              });
            else log.warn('classifier not ready', { policy: policy.name, problem: status.problem });
          },
        });
        return [policy.name, classifier];
      }),
    );
  }

  /**
   * Reads every model's labels.
   *
   * @throws LabelMismatch when a model that answers and its policy disagree.
   */
  async start(): Promise<void> {
    this.#take(this.#config, this.#classifiers);
    await startAll(this.#classifiers.values(), this.#config.file.classifier.startup_wait_ms);
  }

  /**
   * Takes a new configuration into force. Labels are checked first; on a mismatch the old one stays.
   *
   * @throws LabelMismatch
   */
  async useConfig(config: RouterConfig): Promise<void> {
    const before = this.#classifiers;
    const next = this.#connect(config, before);
    const fresh = [...next.values()].filter(
      (classifier) => before.get(classifier.policy.name) !== classifier,
    );
    const { classifier: settings } = config.file;
    try {
      await startAll(fresh, Math.min(RELOAD_WAIT_MS, settings.startup_wait_ms));
    } catch (error) {
      closeAll(fresh);
      throw error;
    }
    this.#take(config, next);
    const { classifier: old } = this.#config.file;
    if (settings.cache_entries !== old.cache_entries || settings.cache_ttl_ms !== old.cache_ttl_ms)
      this.#cache = this.#newCache(config);
    this.#config = config;
    const kept = new Set(next.values());
    const gone = [...before.values()].filter((classifier) => !kept.has(classifier));
    // Decisions under way still wait for the old channels.
    if (gone.length > 0) setTimeout(() => closeAll(gone), old.deadline_ms + PATIENCE_MS).unref();
    for (const name of before.keys())
      if (!next.has(name)) this.#deps.metrics.classifierReady.remove({ policy: name });
  }

  #take(config: RouterConfig, classifiers: ReadonlyMap<string, PolicyClassifier>): void {
    this.#classifiers = classifiers;
    for (const policy of config.table.policies.values())
      this.#byPolicy.set(policy, classifiers.get(policy.name)!);
  }

  status(): Record<string, ClassifierStatus> {
    return Object.fromEntries(
      [...this.#classifiers].map(([name, classifier]) => [name, classifier.status()]),
    );
  }

  close(): void {
    closeAll(this.#classifiers.values());
  }

  /** Decides for a request. @throws RouterError */
  async decide(request: RoutedRequest): Promise<Decision> {
    const conversation = request.policy.sticky.enabled ? conversationKey(request) : null;
    const decision = await this.decideInput({
      config: request.config,
      policy: this.#canary(request, conversation ?? request.id),
      body: request.body,
      strategy: request.extension.strategy,
      model: request.extension.model,
      threshold: request.extension.threshold,
      allowedTargets: request.caller.targets,
      tenant: request.caller.tenant,
      conversation,
      signal: request.signal,
      ...(request.span && { span: request.span }),
      ...(request.visit && { visit: request.visit }),
    });
    this.#shadow(request, decision);
    return decision;
  }

  /** Tells where a conversation ended up, so that it stays there. */
  async noteOutcome(request: RoutedRequest): Promise<void> {
    const { decision, outcome } = request;
    if (!decision || !outcome?.target || !decision.policy.sticky.enabled || outcome.status >= 400) return;
    const key = conversationKey(request);
    if (key === null) return;
    await this.#conversations.pin(
      key,
      { entry: decision.entry.name, target: outcome.target.id },
      decision.policy.sticky.ttl_ms,
      request.visit,
    );
    if (outcome.target !== decision.targets[0]) {
      this.#deps.metrics.pinned.inc({ policy: decision.policy.name, event: 'moved_failure' });
    }
  }

  /** A share of the traffic is decided by another policy; the same conversation always falls on the same side. */
  #canary({ policy, config, caller }: RoutedRequest, key: string): Policy {
    if (!policy.canary || !mayUsePolicy(caller, policy.canary.policy)) return policy;
    const point = createHash('sha256').update(key).digest().readUInt32BE(0) / 2 ** 32;
    return (point < policy.canary.share && config.table.policies.get(policy.canary.policy)) || policy;
  }

  /** A second policy sees a share of the traffic; its disagreement is counted, and nothing else happens. */
  #shadow({ id, policy, body, config, caller }: RoutedRequest, decision: Decision): void {
    const { shadow } = policy;
    if (!shadow || this.#random() >= shadow.share) return;
    const other = config.table.policies.get(shadow.policy);
    if (!other) return;
    const count = (result: string) =>
      this.#deps.metrics.shadow.inc({ policy: policy.name, shadow: other.name, result });
    this.#classify(config, other, promptText(body, config.file.prompt), null, caller.tenant).then(
      ({ classification: { label, confidence } }) => {
        const agrees = label === decision.label;
        count(agrees ? 'agree' : 'differ');
        if (agrees || performance.now() < this.#shadowTold + SHADOW_SAMPLE_MS) return;
        this.#shadowTold = performance.now();
        this.#deps.log.info('shadow policy differs (a sample)', {
          request_id: id,
          policy: policy.name,
          label: decision.label,
          confidence: decision.confidence,
          shadow: other.name,
          shadow_label: label,
          shadow_confidence: confidence,
        });
      },
      () => count('error'),
    );
  }

  /** Decides for any input. @throws RouterError */
  async decideInput(input: DecisionInput): Promise<Decision> {
    const started = performance.now();
    const decision =
      input.strategy === 'manual' ? this.#manual(input, started) : await this.#classified(input, started);
    const { policy, entry, reason, targets } = decision;
    this.#deps.metrics.decisions.inc({
      policy: policy.name,
      entry: entry.name,
      target: targets[0]!.name,
      reason,
    });
    return decision;
  }

  #manual(input: DecisionInput, started: number): Decision {
    const found = findManual(input.policy, input.model ?? '');
    if (!found) {
      const names = visibleEntries(input.policy, input.allowedTargets).map((entry) => entry.name);
      throw new RouterError(
        'model_not_found',
        `Model not found: ${echo(input.model)}. Policy '${input.policy.name}' has: ${names.join(', ')}`,
        {
          param: 'nim-llm-router.model',
        },
      );
    }
    // Another model than the one asked for by hand would be no answer.
    if (found.target && !mayUseTarget(input.allowedTargets, found.target.name))
      throw notAllowed(`target '${found.target.name}'`, input.allowedTargets);
    const ordered = orderTargets(found.entry, this.#random);
    // Of several replicas the one that chance has put first.
    const wanted = found.target && (ordered.find(({ name }) => name === found.target!.name) ?? found.target);
    const targets = wanted ? [wanted, ...ordered.filter((target) => target !== wanted)] : ordered;
    return this.#decision(input, started, { entry: found.entry, reason: 'manual' }, targets, null, false);
  }

  async #classified(input: DecisionInput, started: number): Promise<Decision> {
    const { policy, config } = input;
    const text = promptText(input.body, config.file.prompt);
    if (text.cut) this.#deps.metrics.truncated.inc({ policy: policy.name, stage: 'chars' });
    let classified: Classified | null = null;
    let choice: Choice | null;
    try {
      classified = await this.#traced(config, policy, text, input);
      const { classification } = classified;
      choice = chooseEntry(policy, classification, input.threshold ?? policy.threshold);
      this.#observe(policy, classified, choice);
      if (!choice) throw new ClassifierError('bad_answer', `label '${classification.label}' has no entry`);
    } catch (error) {
      choice = await this.#degrade(input, text, error);
    }
    const pinned = await this.#stay(input, choice);
    if (pinned) choice = pinned.choice;
    const ordered = orderTargets(choice.entry, this.#random);
    const first = pinned && ordered.find((target) => target.id === pinned.pin.target);
    const targets = first ? [first, ...ordered.filter((target) => target !== first)] : ordered;
    return this.#decision(input, started, choice, targets, classified, text.cut);
  }

  /** A pinned conversation stays, unless the new entry is of a higher rank. */
  async #stay(input: DecisionInput, choice: Choice): Promise<{ choice: Choice; pin: Pin } | null> {
    if (input.conversation === null) return null;
    const { policy } = input;
    const pin = await this.#conversations.find(input.conversation, policy, input.visit);
    const event = (name: string) => this.#deps.metrics.pinned.inc({ policy: policy.name, event: name });
    if (!pin) {
      event('new');
      return null;
    }
    const entry = policy.entries.get(pin.entry)!;
    if (choice.entry.rank > entry.rank) {
      event('moved_up');
      return null;
    }
    event('kept');
    return { choice: { entry, reason: 'pinned' }, pin };
  }

  async #traced(
    config: RouterConfig,
    policy: Policy,
    text: PromptText,
    { signal, span, visit, tenant }: DecisionInput,
  ): Promise<Classified> {
    const child = (span ?? NO_SPAN).child(
      `classify ${policy.name}`,
      { 'llm_router.policy': policy.name, 'server.address': policy.endpoints[0]?.address },
      'client',
    );
    try {
      const classified = await this.#classify(config, policy, text, signal ?? null, tenant, visit);
      const { label, confidence, modelVersion, tokenCount } = classified.classification;
      child.set({
        'llm_router.label': label,
        'llm_router.confidence': confidence,
        'llm_router.cached': classified.cached,
        'llm_router.model_version': modelVersion,
        'llm_router.token_count': tokenCount,
      });
      child.end();
      return classified;
    } catch (error) {
      child.end(error instanceof ClassifierError ? error.reason : 'other');
      throw error;
    }
  }

  async #classify(
    config: RouterConfig,
    policy: Policy,
    text: PromptText,
    signal: AbortSignal | null,
    tenant: string,
    visit?: RedisVisit,
  ): Promise<Classified> {
    const classifier = this.#byPolicy.get(policy);
    if (!classifier) throw new ClassifierError('unavailable', `policy '${policy.name}' has no classifier`);
    const { metrics } = this.#deps;
    const { deadline_ms, cache_entries, cache_in_redis, cache_ttl_ms, heuristic } = config.file.classifier;
    const version = classifier.status().modelVersion;
    const cacheable = cache_entries > 0 && version !== null && text.text.length <= CACHED_CHARS;
    const key = cacheable
      ? createHash('sha256')
          .update(JSON.stringify([classifier.id, version, tenant]))
          .update(text.text)
          .digest('base64')
      : null;
    const hit = key === null ? undefined : this.#cache.get(key);
    if (hit) {
      metrics.cache.inc({ policy: policy.name, result: 'hit' });
      return { classification: hit, cached: true };
    }
    const shared =
      cacheable && cache_in_redis
        ? sharedKey(policy, version, classifier.status().labels, tenant, text.text)
        : null;
    const known = shared === null ? null : parseCached(await this.#store.get(shared, visit));
    if (known) {
      this.#cache.set(key!, known);
      metrics.cache.inc({ policy: policy.name, result: 'hit_shared' });
      return { classification: known, cached: true };
    }
    const started = performance.now();
    const patient = policy.fallback === null && !heuristic;
    const result = await classifier.classify(text.text, {
      deadlineMs: patient ? Math.max(deadline_ms, PATIENCE_MS) : deadline_ms,
      sharedWith: tenant,
      ...(signal && { signal }),
    });
    metrics.classifySeconds.observe({ policy: policy.name }, (performance.now() - started) / 1000);
    const { joined, ...classification } = result;
    if (key !== null) {
      metrics.cache.inc({ policy: policy.name, result: joined ? 'shared' : 'miss' });
      this.#cache.set(key, classification);
      if (shared !== null) await this.#store.set(shared, JSON.stringify(classification), cache_ttl_ms, visit);
    }
    return { classification, cached: false };
  }

  #observe(policy: Policy, { classification, cached }: Classified, choice: Choice | null): void {
    const { metrics } = this.#deps;
    const low = choice?.reason === 'low_confidence' || choice?.reason === 'low_confidence_fallback';
    const unknown = choice === null || choice.reason === 'unknown_label_fallback';
    const outcome = unknown ? 'unknown_label' : low ? 'low_confidence' : cached ? 'cached' : 'applied';
    // A label that the table does not know could be anything, and labels of metrics are bounded.
    const label = policy.entries.has(classification.label) ? classification.label : 'unknown';
    metrics.classifications.inc({ policy: policy.name, label, outcome });
    metrics.confidence.observe({ policy: policy.name, label }, classification.confidence);
  }

  /** No label in time: last good place of the conversation, a guess if configured, else the fallback entry, else 503. */
  async #degrade(input: DecisionInput, text: PromptText, error: unknown): Promise<Choice> {
    const { policy, config } = input;
    const reason = error instanceof ClassifierError ? error.reason : 'other';
    if (reason === 'aborted' || input.signal?.aborted) {
      throw abortError(input.signal!, 'it was being classified');
    }
    if (!(error instanceof ClassifierError)) throw error;
    const { metrics } = this.#deps;
    metrics.classifierErrors.inc({ policy: policy.name, reason });
    metrics.classifications.inc({
      policy: policy.name,
      label: 'none',
      outcome: reason === 'timeout' ? 'timeout' : 'error',
    });
    const pin =
      input.conversation === null
        ? null
        : await this.#conversations.find(input.conversation, policy, input.visit);
    if (pin) return { entry: policy.entries.get(pin.entry)!, reason: 'pinned' };
    if (config.file.classifier.heuristic) {
      const label = guessLabel(policy, text.text);
      if (label !== null) return { entry: policy.entries.get(label)!, reason: 'heuristic' };
    }
    if (policy.fallback) {
      const why: DecisionReason =
        reason === 'timeout' ? 'classifier_timeout_fallback' : 'classifier_error_fallback';
      return { entry: policy.fallback, reason: why };
    }
    throw new RouterError(
      'classifier_unavailable',
      `The classifier of policy '${policy.name}' gave no usable answer (${reason}: ${error.message}) and the policy has no ` +
        'fallback entry; set `fallback` in the policy, or use routing_strategy manual',
      { headers: { 'retry-after': '1' }, cause: error },
    );
  }

  #decision(
    input: DecisionInput,
    started: number,
    { entry, reason }: Choice,
    targets: readonly Target[],
    classified: Classified | null,
    cut: boolean,
  ): Decision {
    const classification = classified?.classification;
    const { policy, allowedTargets } = input;
    const allowed = targets.filter((target) => mayUseTarget(allowedTargets, target.name));
    if (allowed.length === 0) throw notAllowed(`any target of entry '${entry.name}'`, allowedTargets);
    const tokensCut = classification?.tokensCut ?? false;
    if (tokensCut) this.#deps.metrics.truncated.inc({ policy: policy.name, stage: 'tokens' });
    return {
      policy,
      entry,
      label: classification?.label ?? null,
      confidence: classification?.confidence ?? null,
      scores: classification?.scores ?? null,
      extraScores: classification?.extraScores ?? null,
      reason,
      cached: classified?.cached ?? false,
      targets: allowed,
      modelVersion: classification?.modelVersion ?? null,
      tokenCount: classification?.tokenCount ?? null,
      truncated: cut || tokensCut,
      classifyMs: performance.now() - started,
    };
  }
}

function notAllowed(what: string, mayUse: readonly string[] | null): RouterError {
  const names = mayUse?.join(', ') || 'none';
  return new RouterError('permission_denied', `This key may not use ${what}; it may use: ${names}`);
}

async function startAll(classifiers: Iterable<PolicyClassifier>, waitMs: number): Promise<void> {
  const results = await Promise.allSettled([...classifiers].map((classifier) => classifier.start(waitMs)));
  const mismatches = results.flatMap((r) => (r.status === 'rejected' ? [r.reason as Error] : []));
  if (mismatches.length > 0) throw new LabelMismatch(mismatches.map((error) => error.message).join('\n'));
}

function closeAll(classifiers: Iterable<PolicyClassifier>): void {
  for (const classifier of classifiers) classifier.close();
}

/** The same for every replica that asks the same version of the same model with the same labels. */
function sharedKey(
  policy: Policy,
  version: string,
  labels: readonly string[] | null,
  tenant: string,
  text: string,
): string {
  const model = policy.endpoints[0]?.model ?? '';
  const hash = createHash('sha256')
    .update(JSON.stringify([policy.name, model, version, labels, tenant]))
    .update(text);
  return `decision:${hash.digest('base64url')}`;
}

/** What another replica wrote; null when it is not what this version writes. */
function parseCached(text: string | null): Classification | null {
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as Classification;
    const right = typeof value.label === 'string' && typeof value.confidence === 'number' && value.scores;
    return right ? value : null;
  } catch {
    return null;
  }
}
