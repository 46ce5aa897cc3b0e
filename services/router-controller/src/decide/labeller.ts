/** What the work is: by rules on what the request is, by the classifier, or, without it, by what else is known. */
import type { Policy } from '../config/types.ts';
import { abortError, RouterError } from '../errors.ts';
import type { Metrics } from '../observe/index.ts';
import type { DecisionReason } from '../request.ts';
import { boundsOf } from './bounds.ts';
import { chooseEntry } from './choose/by-label.ts';
import type { Choice, Classification } from './choose/choose.ts';
import type { CostShares } from './choose/cost-share.ts';
import { estimator } from './choose/estimate.ts';
import { cannot } from './choose/possible.ts';
import { choiceOf, firstRule } from './choose/rules.ts';
import { tempered } from './choose/temper.ts';
import { offersOf } from './choose/value.ts';
import { weigh } from './choose/weigh.ts';
import type { Classified, Classifiers } from './classify/classifiers.ts';
import { guessLabel } from './classify/heuristic.ts';
import { ClassifierError } from './classify/model-client.ts';
import { better, secondLook } from './classify/second-look.ts';
import type { DecisionInput } from './decider.ts';
import type { Found } from './stay/conversations.ts';

/** What was said of the ask, as far as it was asked for. */
export interface Labelled {
  readonly choice: Choice;
  readonly classified: Classified | null;
  readonly secondLook: boolean;
}

/** What the classifier said. */
export interface Looked {
  readonly classified: Classified;
  readonly secondLook: boolean;
}

export class Labeller {
  readonly #classifiers: Classifiers;
  readonly #metrics: Metrics;
  readonly #random: () => number;
  readonly #shares: CostShares;

  constructor(classifiers: Classifiers, metrics: Metrics, random: () => number, shares: CostShares) {
    this.#classifiers = classifiers;
    this.#metrics = metrics;
    this.#random = random;
    this.#shares = shares;
  }

  /** Asks the classifier, where the decision will hang on it. What it fails with is told to who asks for the label. */
  begin(input: DecisionInput): Promise<Looked> | null {
    const early = firstRule(input.policy, null, { facts: input.facts, headers: input.headers });
    if (early !== null && early !== 'ask') return null;
    const looked = this.#look(input);
    // The request may be refused meanwhile, and then nobody asks.
    looked.catch(() => {});
    return looked;
  }

  /**
   * Rules on what the request is first; the classifier where they hang on it, or where none holds.
   *
   * @param warm name of the target that has the conversation in its prompt cache; null: none has.
   */
  async label(input: DecisionInput, found: Found | null, warm: string | null): Promise<Labelled> {
    const { policy, facts, extension } = input;
    const seen = { facts, headers: input.headers };
    // What was begun was begun because no rule holds without the classifier.
    const early = input.ahead?.looked ? null : firstRule(policy, null, seen);
    if (early !== null && early !== 'ask')
      return { choice: choiceOf(early, policy, this.#random), classified: null, secondLook: false };
    try {
      const looked = this.#told(input, await (input.ahead?.looked ?? this.#look(input)));
      const { classification } = looked.classified;
      const rule = firstRule(policy, classification, seen);
      const byClassifier = policy.value
        ? this.#weigh(input, classification, found, warm)
        : chooseEntry(policy, classification, extension.threshold ?? policy.threshold);
      this.#observe(policy, looked.classified, byClassifier);
      const choice = rule && rule !== 'ask' ? choiceOf(rule, policy, this.#random) : byClassifier;
      if (!choice) throw new ClassifierError('bad_answer', `label '${classification.label}' has no entry`);
      return { ...looked, choice };
    } catch (error) {
      const choice = this.#degrade(input, found, error);
      const rule = firstRule(policy, 'failed', seen);
      return {
        choice: rule && rule !== 'ask' ? choiceOf(rule, policy, this.#random) : choice(),
        classified: null,
        secondLook: false,
      };
    }
  }

  #weigh(
    input: DecisionInput,
    classification: Classification,
    found: Found | null,
    warm: string | null,
  ): Choice {
    const { policy, facts, extension } = input;
    const estimate = estimator(policy, facts, classification, warm);
    const bounds = boundsOf(input, estimate);
    const offers = offersOf(policy, classification, estimate, (target) =>
      cannot(target, facts.needs, bounds),
    );
    return weigh({
      policy,
      classification,
      offers,
      choose: extension.choose ?? null,
      goesOn: found?.pin != null,
      willingness: (share) => this.#shares.willingness(policy, share, offers),
      random: this.#random,
    });
  }

  async #look(input: DecisionInput): Promise<Looked> {
    const { policy, facts, caller } = input;
    const options = { ...input, tenant: caller.tenant };
    const first = await this.#classifiers.classify(policy, facts.ask.text, options);
    const text = secondLook(policy, facts, first.classification);
    if (text === null) return { classified: first, secondLook: false };
    const count = (result: string) => this.#metrics.secondLooks.inc({ policy: policy.name, result });
    try {
      const second = await this.#classifiers.classify(policy, text, options);
      const changed = second.classification.label !== first.classification.label;
      const taken = better(policy, first.classification, second.classification);
      count(taken === 'second' && changed ? 'changed' : 'same');
      return { classified: taken === 'second' ? second : first, secondLook: true };
    } catch (error) {
      if (!(error instanceof ClassifierError) || error.reason === 'aborted') throw error;
      count('error');
      return { classified: first, secondLook: false };
    }
  }

  /**
   * Of an agent's request the same label, told as surely as it is right. Here and not before: whether to look twice was
   * found on what the classifier itself tells, and a text that is kept may be anybody's.
   */
  #told({ policy, facts }: DecisionInput, looked: Looked): Looked {
    const temperature = facts.features.agent === null ? 1 : this.#classifiers.agentTemperature(policy);
    if (temperature === 1 || policy.value) return looked;
    const { classified } = looked;
    return {
      ...looked,
      classified: { ...classified, classification: tempered(classified.classification, temperature) },
    };
  }

  #observe(policy: Policy, { classification, cached }: Classified, choice: Choice | null): void {
    const metrics = this.#metrics;
    if (choice?.weighed) {
      const label = choice.entry.name;
      const outcome = choice.reason === 'unfamiliar' ? 'unfamiliar' : cached ? 'cached' : 'applied';
      metrics.classifications.inc({ policy: policy.name, label, outcome });
      const quality = choice.weighed.offers.find(({ entry }) => entry === choice.entry)?.quality;
      if (quality !== undefined)
        metrics.valueQuality.observe({ policy: policy.name, target: label }, quality);
      return;
    }
    const low = choice?.reason === 'low_confidence' || choice?.reason === 'low_confidence_fallback';
    const unknown = choice === null || choice.reason === 'unknown_label_fallback';
    const outcome = unknown ? 'unknown_label' : low ? 'low_confidence' : cached ? 'cached' : 'applied';
    // A label that the table does not know could be anything, and labels of metrics are bounded.
    const label = policy.entries.has(classification.label) ? classification.label : 'unknown';
    metrics.classifications.inc({ policy: policy.name, label, outcome });
    metrics.confidence.observe({ policy: policy.name, label }, classification.confidence);
  }

  /** No label in time: last good place of the conversation, a guess if configured, else the fallback entry, else 503. */
  #degrade(
    { policy, config, signal, facts }: DecisionInput,
    found: Found | null,
    error: unknown,
  ): () => Choice {
    const reason = error instanceof ClassifierError ? error.reason : 'other';
    if (reason === 'aborted' || signal?.aborted) throw abortError(signal!, 'it was being classified');
    if (!(error instanceof ClassifierError)) throw error;
    const metrics = this.#metrics;
    metrics.classifierErrors.inc({ policy: policy.name, reason });
    metrics.classifications.inc({
      policy: policy.name,
      label: 'none',
      outcome: reason === 'timeout' ? 'timeout' : 'error',
    });
    return () => {
      const pinned = found?.pin && policy.entries.get(found.pin.entry);
      if (pinned) return { entry: pinned, reason: 'pinned' };
      if (config.file.classifier.heuristic) {
        const label = guessLabel(policy, facts.ask.text);
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
    };
  }
}
