/**
 * One policy's classifier: its endpoints, what the model told of itself, and a breaker around it. Labels are matched by
 * name; position counts only where the model publishes no labels (v1's own models).
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  BrokenCircuitError,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  IsolatedCircuitError,
} from 'cockatiel';
import type { ClassifierConfig } from '../../config/schema.ts';
import type { Policy } from '../../config/types.ts';
import type { Classification } from '../choose/choose.ts';
import type { SharedAnswer, TextOptions } from './batcher.ts';
import { embeddingFor } from './embedding.ts';
import { checkScores, extraEntries, matchLabels } from './match-labels.ts';
import { ClassifierError, type ModelDescription } from './model-client.ts';
import { checkEncoder } from './same-encoder.ts';
import { SharedModel, type SharedModelDeps } from './shared-model.ts';

/** How often a healthy model's labels are read again: a head can be replaced without the ensemble's version changing. */
const REFRESH_MS = 30_000;
const RETRY_MS = 500;
/** Readings in a row that nobody answered: then a model whose labels are known is told to be gone. */
const GONE_AFTER = 2;
const DESCRIBE_MS = 5_000;

export interface ClassifierStatus {
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly problem: string | null;
  readonly labels: readonly string[] | null;
  readonly modelVersion: string | null;
  readonly positional: boolean;
}

/** All that a classifier takes from its policy. */
const meaning = (policy: Policy, config: ClassifierConfig) => [
  policy.endpoints,
  [...policy.entries.keys()],
  [...extraEntries(policy)],
  policy.rules.map(({ score }) => score),
  policy.fallback !== null,
  policy.value !== null,
  policy.value?.unfamiliar != null,
  config,
];

export interface PolicyClassifierDeps extends SharedModelDeps {
  /** The policy's endpoints as other policies use them too; default: its own. */
  readonly lent?: { readonly model: SharedModel; readonly giveBack: () => void };
  readonly onStatus?: (status: ClassifierStatus) => void;
  /** Whether embeddings are wanted, too. */
  readonly embedding?: boolean;
}

export class PolicyClassifier {
  readonly policy: Policy;
  /** Tells answers of different classifiers apart in the cache. */
  readonly id = randomUUID();
  readonly #config: ClassifierConfig;
  readonly #shared: SharedModel;
  readonly #deps: PolicyClassifierDeps;
  readonly #breaker;
  #model: ModelDescription | null = null;
  /** The model with what is asked of it. */
  #wanted: ModelDescription | null = null;
  #labels: readonly string[] = [];
  #problem: string | null = 'not yet reached';
  /** Why nobody answers any more. The model is still asked: the next call may find it back. */
  #away: string | null = null;
  #unread = 0;
  #readAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #refreshing: Promise<void> | null = null;
  #closed = false;

  constructor(policy: Policy, config: ClassifierConfig, deps: PolicyClassifierDeps = {}) {
    this.policy = policy;
    this.#config = config;
    this.#deps = deps;
    this.#shared = deps.lent?.model ?? new SharedModel(policy.endpoints, config, deps);
    this.#breaker = circuitBreaker(
      handleWhen((error) => error instanceof ClassifierError && error.reason !== 'aborted'),
      { halfOpenAfter: config.breaker_open_ms, breaker: new ConsecutiveBreaker(config.breaker_failures) },
    );
    this.#breaker.onBreak(() => this.#suspect());
  }

  /** Divides the logits of what agents ask; 1: they are told as all others are. */
  get agentTemperature(): number {
    return this.#model?.agentTemperature ?? 1;
  }

  /** True when it would do the same for this policy: same models, same labels, same settings. */
  serves(policy: Policy, config: ClassifierConfig, embedding = false): boolean {
    return (
      (this.#deps.embedding ?? false) === embedding &&
      isDeepStrictEqual(meaning(this.policy, this.#config), meaning(policy, config))
    );
  }

  /** Embeddings are wanted, and its model gives none. */
  get lacksEmbedding(): boolean {
    return this.#deps.embedding === true && this.#model !== null && this.#model.embeddingOf === undefined;
  }

  status(): ClassifierStatus {
    return {
      ready: this.#model !== null && this.#problem === null && this.#away === null,
      problem: this.#problem ?? this.#away,
      labels: this.#model ? this.#labels : null,
      modelVersion: this.#model?.version ?? null,
      positional: this.#model !== null && this.#model.labels === null,
    };
  }

  /**
   * Reads the model's labels and goes on reading them in the background.
   *
   * @throws LabelMismatch at once; a classifier that can't be reached within waitMs is left to the background.
   */
  async start(waitMs: number): Promise<void> {
    const until = performance.now() + waitMs;
    try {
      do {
        await this.#refresh();
        if (this.status().ready) return;
        await new Promise((resolve) =>
          setTimeout(resolve, Math.min(200, Math.max(0, until - performance.now()))),
        );
      } while (performance.now() < until && !this.#closed);
    } finally {
      this.#schedule();
    }
  }

  #schedule(): void {
    if (this.#closed) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () =>
        void this.#refresh()
          .catch(() => {})
          .finally(() => this.#schedule()),
      this.status().ready && this.#unread === 0 ? REFRESH_MS : RETRY_MS,
    );
    this.#timer.unref();
  }

  /** One reading of the model's labels; readings at the same time are one. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#describe().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** A reading out of turn, because calls fail; no more often than one after the other. */
  #suspect(): void {
    if (this.#closed || this.#refreshing || performance.now() - this.#readAt < RETRY_MS) return;
    void this.#refresh()
      .catch(() => {})
      .finally(() => this.#schedule());
  }

  async #describe(): Promise<void> {
    const problems: string[] = [];
    for (const client of this.#shared.clients()) {
      let model: ModelDescription;
      try {
        model = await this.#shared.describe(client, DESCRIBE_MS);
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error));
        continue;
      }
      this.#readAt = performance.now();
      this.#unread = 0;
      try {
        checkEncoder(this.policy.name, model);
        this.#labels = matchLabels(this.policy, model);
        checkScores(this.policy, this.#labels, model);
      } catch (error) {
        this.#model = null;
        this.#setProblem((error as Error).message);
        throw error;
      }
      this.#model = model;
      this.#wanted = this.#deps.embedding ? model : { ...model, embeddingOf: undefined };
      this.#setProblem(null);
      return;
    }
    this.#readAt = performance.now();
    this.#unread++;
    // A model whose labels are known stays usable: a failed reading is no proof that it is gone.
    if (!this.#model) this.#setProblem(problems.join('; '));
    else if (this.#unread >= GONE_AFTER) this.#setProblem(this.#problem, problems.join('; '));
  }

  #setProblem(problem: string | null, away: string | null = null): void {
    // Words change with each try; what is told is that it left or came back.
    const same = problem === this.#problem && (away === null) === (this.#away === null);
    this.#problem = problem;
    this.#away = away;
    if (same) return;
    // The next reading is due soon now, or not for long.
    this.#schedule();
    this.#deps.onStatus?.(this.status());
  }

  /**
   * Classifies one text.
   *
   * @throws ClassifierError; reason `breaker_open` without a call while the breaker is open.
   */
  async classify(text: string, options: TextOptions): Promise<Classification & { joined: boolean }> {
    try {
      return await this.#breaker.execute(() => this.#classify(text, options));
    } catch (error) {
      if (error instanceof BrokenCircuitError || error instanceof IsolatedCircuitError) {
        throw new ClassifierError(
          'breaker_open',
          `the classifier of '${this.policy.name}' failed repeatedly and rests`,
        );
      }
      throw error;
    }
  }

  async #ask(text: string, options: TextOptions): Promise<SharedAnswer> {
    const wanted = this.#model && this.#wanted;
    if (!wanted)
      throw new ClassifierError('unavailable', `classifier of '${this.policy.name}': ${this.#problem}`);
    try {
      return await this.#shared.batcher(wanted).classify(text, options);
    } catch (error) {
      if (error instanceof ClassifierError && error.reason === 'unavailable') this.#suspect();
      throw error;
    }
  }

  async #classify(text: string, options: TextOptions): Promise<Classification & { joined: boolean }> {
    const { answer, modelVersion, joined } = await this.#ask(text, options);
    if (this.#model && modelVersion !== this.#model.version) await this.#refresh();
    const model = this.#model;
    if (!model || this.#problem !== null) {
      throw new ClassifierError('unavailable', `classifier of '${this.policy.name}': ${this.#problem}`);
    }
    const { output } = answer;
    if (output.length !== this.#labels.length) {
      void this.#refresh().catch(() => {});
      throw new ClassifierError('bad_answer', `${output.length} outputs for ${this.#labels.length} labels`);
    }
    let best = 0;
    for (let i = 0; i < output.length; i++) {
      const value = output[i]!;
      // Probabilities or one-hot; a little slack for rounding in FP16.
      if (!(value >= -0.01 && value <= 1.01)) {
        throw new ClassifierError(
          'bad_answer',
          `OUTPUT must hold probabilities, got ${value} for ${this.#labels[i]}`,
        );
      }
      if (value > output[best]!) best = i;
    }
    const scores = Object.fromEntries(this.#labels.map((label, i) => [label, output[i]!]));
    const extraScores = answer.scores
      ? Object.fromEntries(model.scoreNames.map((name, i) => [name, answer.scores![i]!]))
      : null;
    const embedding = embeddingFor(model.embeddingOf, answer.embedding);
    return {
      label: this.#labels[best]!,
      confidence: Math.min(1, Math.max(0, output[best]!)),
      scores,
      extraScores,
      modelVersion,
      tokenCount: answer.tokenCount,
      tokensCut: model.tokenLimit !== null && (answer.tokenCount ?? 0) > model.tokenLimit,
      ...(embedding && { embedding }),
      joined,
    };
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#deps.lent) this.#deps.lent.giveBack();
    else this.#shared.close();
  }
}
