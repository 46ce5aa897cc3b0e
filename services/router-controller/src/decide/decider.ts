/** decide: facts → classifier → rules → conversation → what is possible → decision. Pure but for classifier, store and dice. */
import { mayUseTarget, visibleEntries } from '../authenticate/index.ts';
import type { Policy, RouterConfig, Target } from '../config/types.ts';
import { echo } from '../echo.ts';
import { RouterError } from '../errors.ts';
import type { Logger, Metrics, Span } from '../observe/index.ts';
import type { RedisVisit } from '../redis/index.ts';
import type { Caller, Decision, RoutedRequest, RouterExtension } from '../request.ts';
import type { Headers, RequestFacts } from '../understand/index.ts';
import { boundsOf } from './bounds.ts';
import { type Choice, findManual, orderTargets } from './choose/choose.ts';
import { CostShares } from './choose/cost-share.ts';
import { estimator } from './choose/estimate.ts';
import { type Possible, withinPossible } from './choose/possible.ts';
import { Classifiers } from './classify/classifiers.ts';
import type { ClassifierStatus, PolicyClassifierDeps } from './classify/policy-classifier.ts';
import { canaryOf } from './experiment/canary.ts';
import { Shadow } from './experiment/shadow.ts';
import { type Labelled, Labeller, type Looked } from './labeller.ts';
import { MemoryStore, type SharedStore } from './shared-store.ts';
import { Conversations, type Found } from './stay/conversations.ts';
import { conversationKeys, experimentKey } from './stay/key.ts';
import { pinAfter, preferred, stay, warmAt } from './stay/stay.ts';

export interface DeciderDeps {
  readonly config: RouterConfig;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Shared by replicas; default: memory. */
  readonly store?: SharedStore;
  readonly connect?: PolicyClassifierDeps['connect'];
  /** Hears of classifiers that become ready or cease to be. */
  readonly onClassifier?: (policy: string, status: ClassifierStatus) => void;
  readonly random?: () => number;
  /** Milliseconds since 1970, replaced in tests. */
  readonly now?: () => number;
}

/** What a decision is made from; a request, or a line of `/v1/route`. */
export interface DecisionInput {
  readonly id: string;
  /** Whose policy it is: a request ends on the configuration it began with. */
  readonly config: RouterConfig;
  readonly policy: Policy;
  readonly facts: RequestFacts;
  readonly headers: Headers;
  readonly extension: RouterExtension;
  readonly caller: Caller;
  readonly address: string;
  readonly signal?: AbortSignal | undefined;
  /** The classification is traced under it. */
  readonly span?: Span | undefined;
  readonly visit?: RedisVisit | undefined;
  readonly ahead?: Ahead | undefined;
}

/** A classification that was begun before its decision was due; null: the decision needs none. */
export interface Ahead {
  readonly policy: Policy;
  readonly looked: Promise<Looked> | null;
}

export class Decider {
  readonly #deps: DeciderDeps;
  readonly #classifiers: Classifiers;
  readonly #labeller: Labeller;
  readonly #conversations: Conversations;
  readonly #shadow: Shadow;
  readonly #shares = new CostShares();
  readonly #random: () => number;
  readonly #now: () => number;

  constructor(deps: DeciderDeps) {
    this.#deps = deps;
    this.#random = deps.random ?? Math.random;
    this.#now = deps.now ?? Date.now;
    const store = deps.store ?? new MemoryStore(50_000);
    this.#classifiers = new Classifiers(deps.config, store, deps);
    this.#labeller = new Labeller(this.#classifiers, deps.metrics, this.#random, this.#shares);
    this.#conversations = new Conversations(store);
    this.#shadow = new Shadow(deps.metrics, deps.log);
  }

  /** Reads every model's labels. @throws LabelMismatch when a model that answers and its policy disagree. */
  start(): Promise<void> {
    return this.#classifiers.start();
  }

  /** Takes a new configuration into force; on a mismatch of labels the old one stays. @throws LabelMismatch */
  useConfig(config: RouterConfig): Promise<void> {
    return this.#classifiers.useConfig(config);
  }

  status(): Record<string, ClassifierStatus> {
    return this.#classifiers.status();
  }

  close(): void {
    this.#classifiers.close();
  }

  /** Asks the classifier already, so that a request's other waiting is the same time. What comes of it is told by the decision. */
  begin(request: RoutedRequest): Ahead {
    const policy = this.#policyOf({ ...request, facts: request.facts! });
    const input = { ...request, facts: request.facts!, policy };
    const manual = request.extension.strategy === 'manual';
    const looked = manual ? null : this.#labeller.begin(input);
    return { policy, looked };
  }

  /**
   * Decides for a request that is going to be called.
   *
   * @param ahead what was begun for it.
   * @throws RouterError
   */
  async decide(request: RoutedRequest, ahead?: Ahead): Promise<Decision> {
    const facts = request.facts!;
    const decision = await this.decideInput({ ...request, facts, ahead });
    const { policy, config } = request;
    if (decision.weighed) this.#shares.note(decision.policy, decision.weighed.offers);
    const other =
      policy.shadow &&
      this.#random() < policy.shadow.share &&
      config.table.policies.get(policy.shadow.policy);
    if (other) {
      const { tenant } = request.caller;
      void this.#shadow.compare(request.id, policy, other, decision, async () => {
        const { classification } = await this.#classifiers.classify(other, facts.ask.text, {
          config,
          tenant,
        });
        return classification;
      });
    }
    return decision;
  }

  /** The same decision without anything that follows from it. @throws RouterError */
  async decideInput(input: DecisionInput): Promise<Decision> {
    const started = performance.now();
    const policy = input.ahead?.policy ?? this.#policyOf(input);
    const seen = { ...input, policy };
    const decision =
      input.extension.strategy === 'manual' ? this.#manual(seen, started) : await this.#routed(seen, started);
    const { entry, reason, targets } = decision;
    this.#deps.metrics.decisions.inc({
      policy: policy.name,
      entry: entry.name,
      target: targets[0]!.name,
      reason,
    });
    return decision;
  }

  /** The policy that decides: the one asked for, or the one that is tried in its place. */
  #policyOf({ facts, caller, address, config, policy }: DecisionInput): Policy {
    const owner = { caller, address, policy: policy.name };
    return canaryOf(policy, config.table, caller, () => experimentKey(facts, owner));
  }

  /** Tells where a conversation ended up, so that it stays there. */
  async noteOutcome(request: RoutedRequest): Promise<void> {
    const { decision, outcome } = request;
    const plan = decision?.stay;
    if (!plan || !outcome?.target || outcome.status >= 400) return;
    const { policy, targets, entry } = decision;
    const first = targets[0]!;
    // What only a need or a right led to is no place to stay; the entry that was wanted is.
    const own = entry.name === plan.entry;
    const wanted = own ? first : plan.unpinned;
    const answered = own ? outcome.target : plan.unpinned;
    const pin = pinAfter(plan.pin, plan.entry, wanted, answered, plan.lane, this.#now());
    await this.#conversations.pin(plan.key, pin, policy.sticky.ttl_ms, request.visit);
    const event = (name: string) => this.#deps.metrics.pinned.inc({ policy: policy.name, event: name });
    if (pin.away > 0) event('moved_failure');
    else if (plan.pin && plan.pin.away > 0 && plan.pin.entry === plan.entry) event('returned');
  }

  #manual(input: DecisionInput, started: number): Decision {
    const { policy, extension, caller } = input;
    const found = findManual(policy, extension.model ?? '', caller.targets);
    if (!found) {
      const names = visibleEntries(policy, caller.targets).map((entry) => entry.name);
      throw new RouterError(
        'model_not_found',
        `Model not found: ${echo(extension.model)}. Policy '${policy.name}' has: ${names.join(', ')}`,
        { param: 'nim-llm-router.model' },
      );
    }
    // Another model than the one asked for by hand would be no answer.
    if (found.target && !mayUseTarget(caller.targets, found.target.name)) {
      const names = caller.targets?.join(', ') || 'none';
      throw new RouterError(
        'permission_denied',
        `This key may not use target '${found.target.name}'; it may use: ${names}`,
      );
    }
    const ordered = orderTargets(found.entry, this.#random);
    // Of several replicas the one that chance has put first.
    const wanted = found.target && (ordered.find(({ name }) => name === found.target!.name) ?? found.target);
    const targets = firstOf(wanted, ordered);
    const choice: Choice = { entry: found.entry, reason: 'manual' };
    return this.#decision(input, started, { choice, classified: null, secondLook: false }, targets, false);
  }

  async #routed(input: DecisionInput, started: number): Promise<Decision> {
    const { policy, facts } = input;
    if (facts.ask.cut) this.#deps.metrics.truncated.inc({ policy: policy.name, stage: 'chars' });
    const found = await this.#find(input);
    const { sticky } = policy;
    const warm = warmAt(policy, found?.pin ?? null, sticky.rest_ms, this.#now());
    const labelled = await this.#labeller.label(input, found, warm);
    const stayed = found ? stay(policy, found.pin, labelled.choice, facts) : null;
    if (stayed) this.#deps.metrics.pinned.inc({ policy: policy.name, event: stayed.event });
    const choice = stayed?.choice ?? labelled.choice;
    const ordered = orderTargets(choice.entry, this.#random);
    const pin = found?.pin?.entry === choice.entry.name ? found.pin : null;
    const before = pin && preferred(pin, sticky.rest_ms, this.#now());
    const targets = firstOf(choice.target ?? ordered.find(({ id }) => id === before), ordered);
    const decision = this.#decision(input, started, { ...labelled, choice }, targets, true, warm);
    if (!found || !stayed) return decision;
    const unpinned = labelled.choice.target ?? orderTargets(labelled.choice.entry, () => 0)[0]!;
    const { lane } = facts.identity;
    return {
      ...decision,
      stay: {
        key: found.key,
        pin: found.pin,
        event: stayed.event,
        entry: choice.entry.name,
        unpinned: choice.entry === labelled.choice.entry ? unpinned : targets[0]!,
        lane,
      },
    };
  }

  /** The request's conversation; null where none is kept. */
  async #find({ policy, facts, caller, address, visit }: DecisionInput): Promise<Found | null> {
    if (!policy.sticky.enabled) return null;
    const keys = conversationKeys(facts, { caller, address, policy: policy.name });
    return keys && this.#conversations.find(keys, facts.identity.lane, policy, visit);
  }

  /** @param leave another entry may be taken where this one can't serve. */
  #decision(
    { policy, facts, extension, caller }: DecisionInput,
    started: number,
    { choice, classified, secondLook: looked }: Labelled,
    wanted: readonly Target[],
    leave: boolean,
    warm: string | null = null,
  ): Decision {
    const classification = classified?.classification;
    const estimate = estimator(policy, facts, classification ?? null, warm);
    const after = policy.value
      ? (choice.next ?? [...policy.entries.values()]).flatMap((entry) => orderTargets(entry, this.#random))
      : undefined;
    const bounds = boundsOf({ extension, caller }, estimate);
    const possible: Possible = withinPossible(policy, choice.entry, wanted, facts.needs, bounds, {
      leave,
      random: this.#random,
      after,
    });
    const tokensCut = classification?.tokensCut ?? false;
    if (tokensCut) this.#deps.metrics.truncated.inc({ policy: policy.name, stage: 'tokens' });
    // A head's outputs are no label of the prompt: what was chosen is told, and its P.
    const label = policy.value ? (choice.label ?? null) : (choice.label ?? classification?.label ?? null);
    return {
      policy,
      entry: possible.entry,
      label,
      confidence: classification ? (classification.scores[label ?? ''] ?? classification.confidence) : null,
      scores: classification?.scores ?? null,
      extraScores: classification?.extraScores ?? null,
      reason: possible.moved ?? choice.reason,
      cached: classified?.cached ?? false,
      targets: possible.targets,
      modelVersion: classification?.modelVersion ?? null,
      tokenCount: classification?.tokenCount ?? null,
      truncated: facts.ask.cut || tokensCut,
      classifyMs: performance.now() - started,
      secondLook: looked,
      rule: choice.rule?.name ?? null,
      bodyPatch: possible.entry.extraBody,
      ...(wanted[0] && { wanted: wanted[0] }),
      passedOver: possible.passedOver,
      larger: possible.larger,
      ...(choice.weighed && { weighed: choice.weighed }),
      ...(classification?.embedding && { embedding: classification.embedding }),
    };
  }
}

/** The list with this one first. */
function firstOf(first: Target | null | undefined, list: readonly Target[]): readonly Target[] {
  return first ? [first, ...list.filter((target) => target !== first)] : list;
}
