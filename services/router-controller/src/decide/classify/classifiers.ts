/** The classifiers of all policies: connected, checked, replaced on a reload, and asked once for the same text. */
import { createHash } from 'node:crypto';
import type { LRUCache } from 'lru-cache';
import type { Policy, RouterConfig } from '../../config/types.ts';
import { lru } from '../../lru.ts';
import { type Logger, type Metrics, NO_SPAN, type Span } from '../../observe/index.ts';
import type { RedisVisit } from '../../redis/index.ts';
import type { Classification } from '../choose/choose.ts';
import type { SharedStore } from '../shared-store.ts';
import { LabelMismatch } from './match-labels.ts';
import { ClassifierError } from './model-client.ts';
import { type ClassifierStatus, PolicyClassifier, type PolicyClassifierDeps } from './policy-classifier.ts';
import { SharedModels } from './shared-model.ts';

export interface Classified {
  readonly classification: Classification;
  readonly cached: boolean;
}

export interface ClassifyOptions {
  readonly config: RouterConfig;
  /** What was decided for one tenant tells another one nothing, not by its time either. */
  readonly tenant: string;
  readonly signal?: AbortSignal | undefined;
  readonly span?: Span | undefined;
  readonly visit?: RedisVisit | undefined;
}

interface Deps {
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly connect?: PolicyClassifierDeps['connect'];
  readonly onClassifier?: ((policy: string, status: ClassifierStatus) => void) | undefined;
}

/** Longest wait where there is nothing to fall back to: a late answer is better than a 503 then. */
const PATIENCE_MS = 2_000;
/** A reload does not wait long for a classifier that is away: it is watched in the background then. */
const RELOAD_WAIT_MS = 2_000;
const CACHED_CHARS = 20_000;

export class Classifiers {
  readonly #deps: Deps;
  readonly #store: SharedStore;
  readonly #models: SharedModels;
  #config: RouterConfig;
  /** Those of the configuration in force, by policy. */
  #inForce: ReadonlyMap<string, PolicyClassifier>;
  /** Also those of configurations that requests in flight began with. */
  readonly #byPolicy = new WeakMap<Policy, PolicyClassifier>();
  #cache: LRUCache<string, Classification>;

  constructor(config: RouterConfig, store: SharedStore, deps: Deps) {
    this.#deps = deps;
    this.#store = store;
    const { connect, metrics, log } = deps;
    this.#models = new SharedModels({
      ...(connect && { connect }),
      onBatch: (size) => metrics.classifierBatch.observe(size),
      onAlone: (problem) =>
        log.warn('classifier answers several prompts wrongly; each is asked alone for five minutes', {
          problem,
        }),
    });
    this.#config = config;
    this.#inForce = this.#connect(config, new Map());
    this.#cache = newCache(config);
  }

  /** A classifier for every policy; one that serves the same models and labels is kept, with its channel and breaker. */
  #connect(
    config: RouterConfig,
    known: ReadonlyMap<string, PolicyClassifier>,
  ): Map<string, PolicyClassifier> {
    const { metrics, log, onClassifier } = this.#deps;
    return new Map(
      [...config.table.policies.values()].map((policy) => {
        const before = known.get(policy.name);
        const { decision_log, object_store } = config.file;
        const isLogged = decision_log.path !== undefined || object_store?.logs.includes('decisions');
        const embedding = isLogged === true && decision_log.embedding && policy.value !== null;
        if (before?.serves(policy, config.file.classifier, embedding)) return [policy.name, before];
        const classifier: PolicyClassifier = new PolicyClassifier(policy, config.file.classifier, {
          lent: this.#models.lend(policy.endpoints, config.file.classifier),
          embedding,
          onStatus: (status) => {
            metrics.classifierReady.set({ policy: policy.name }, status.ready ? 1 : 0);
            if (status.ready)
              log.info('classifier ready', {
                policy: policy.name,
                model_version: status.modelVersion,
                labels: status.labels,
              });
            if (status.ready && classifier.lacksEmbedding)
              log.warn('decision_log.embedding is on, but the head gives none: train it anew (value:train)', {
                policy: policy.name,
              });
            if (!status.ready)
              log.warn('classifier not ready', { policy: policy.name, problem: status.problem });
            onClassifier?.(policy.name, status);
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
    this.#take(this.#config, this.#inForce);
    await startAll(this.#inForce.values(), this.#config.file.classifier.startup_wait_ms);
  }

  /**
   * Takes a new configuration into force. Labels are checked first; on a mismatch the old one stays.
   *
   * @throws LabelMismatch
   */
  async useConfig(config: RouterConfig): Promise<void> {
    const before = this.#inForce;
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
      this.#cache = newCache(config);
    this.#config = config;
    const kept = new Set(next.values());
    const gone = [...before.values()].filter((classifier) => !kept.has(classifier));
    // Decisions under way still wait for the old channels.
    if (gone.length > 0) setTimeout(() => closeAll(gone), old.deadline_ms + PATIENCE_MS).unref();
    for (const name of before.keys())
      if (!next.has(name)) this.#deps.metrics.classifierReady.remove({ policy: name });
  }

  #take(config: RouterConfig, classifiers: ReadonlyMap<string, PolicyClassifier>): void {
    this.#inForce = classifiers;
    for (const policy of config.table.policies.values())
      this.#byPolicy.set(policy, classifiers.get(policy.name)!);
  }

  status(): Record<string, ClassifierStatus> {
    return Object.fromEntries([...this.#inForce].map(([name, classifier]) => [name, classifier.status()]));
  }

  close(): void {
    closeAll(this.#inForce.values());
  }

  /** What the policy's classifier is told to divide the logits of agents' requests by; 1: nothing. */
  agentTemperature(policy: Policy): number {
    return this.#byPolicy.get(policy)?.agentTemperature ?? 1;
  }

  /** One text's label, traced. @throws ClassifierError */
  async classify(policy: Policy, text: string, options: ClassifyOptions): Promise<Classified> {
    const span = (options.span ?? NO_SPAN).child(
      `classify ${policy.name}`,
      { 'llm_router.policy': policy.name, 'server.address': policy.endpoints[0]?.address },
      'client',
    );
    try {
      const classified = await this.#ask(policy, text, options);
      const { label, confidence, modelVersion, tokenCount } = classified.classification;
      span.set({
        'llm_router.label': label,
        'llm_router.confidence': confidence,
        'llm_router.cached': classified.cached,
        'llm_router.model_version': modelVersion,
        'llm_router.token_count': tokenCount,
      });
      span.end();
      return classified;
    } catch (error) {
      span.end(error instanceof ClassifierError ? error.reason : 'other');
      throw error;
    }
  }

  async #ask(
    policy: Policy,
    text: string,
    { config, tenant, signal, visit }: ClassifyOptions,
  ): Promise<Classified> {
    const classifier = this.#byPolicy.get(policy);
    if (!classifier) throw new ClassifierError('unavailable', `policy '${policy.name}' has no classifier`);
    const { metrics } = this.#deps;
    const { deadline_ms, cache_entries, cache_in_redis, cache_ttl_ms, heuristic } = config.file.classifier;
    const version = classifier.status().modelVersion;
    const cacheable = cache_entries > 0 && version !== null && text.length <= CACHED_CHARS;
    const key = cacheable
      ? createHash('sha256')
          .update(JSON.stringify([classifier.id, version, tenant]))
          .update(text)
          .digest('base64')
      : null;
    const hit = key === null ? undefined : this.#cache.get(key);
    if (hit) {
      metrics.cache.inc({ policy: policy.name, result: 'hit' });
      return { classification: hit, cached: true };
    }
    const shared =
      cacheable && cache_in_redis
        ? sharedKey(policy, version, classifier.status().labels, tenant, text)
        : null;
    const known = shared === null ? null : parseCached(await this.#store.get(shared, visit));
    if (known) {
      this.#cache.set(key!, known);
      metrics.cache.inc({ policy: policy.name, result: 'hit_shared' });
      return { classification: known, cached: true };
    }
    const started = performance.now();
    const patient = policy.fallback === null && !heuristic;
    const result = await classifier.classify(text, {
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
}

const newCache = ({ file: { classifier } }: RouterConfig) =>
  lru<Classification>(Math.max(1, classifier.cache_entries), classifier.cache_ttl_ms);

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
