/**
 * Choosing within what is possible: what a request needs, what its key may use and what it asks for itself bound the
 * choice; the label orders it. Pure.
 */
import { mayUseTarget } from '../../authenticate/index.ts';
import { blended } from '../../config/ranks.ts';
import type { Entry, Policy, Target } from '../../config/types.ts';
import { RouterError } from '../../errors.ts';
import type { Needs } from '../../understand/index.ts';
import { lacks, lacksKind, windowOf } from './capabilities.ts';
import { orderTargets } from './choose.ts';
import type { Estimator } from './estimate.ts';
import { entryOf } from './rules.ts';

/** What a caller and its request leave to choose from. */
export interface Bounds {
  /** The key's targets; null: all. */
  readonly allowed: readonly string[] | null;
  /** Targets that the request names; null: all. By name or model id. */
  readonly only: readonly string[] | null;
  readonly exclude: readonly string[];
  /** USD per million input tokens; null: any. A target without a price is not known to be below it. */
  readonly maxPrice: number | null;
  /** Most that the estimate of a target's cost may be, USD; null: any. */
  readonly maxCost?: { readonly usd: number; readonly estimate: Estimator } | null;
}

export const NO_BOUNDS: Bounds = { allowed: null, only: null, exclude: [], maxPrice: null };

export interface Possible {
  readonly entry: Entry;
  readonly targets: readonly Target[];
  /** Why the entry is not the one that was wanted. */
  readonly moved: 'capability' | 'allowed' | null;
  /** Targets that were wanted and left out, and why. */
  readonly passedOver: readonly { readonly target: Target; readonly why: string }[];
  /** Further targets by the size of their windows, for a request that turns out longer than was estimated; few do. */
  readonly larger: () => readonly Target[];
}

const named = (list: readonly string[], { name, model }: Target) =>
  list.includes(name) || list.includes(model);

/** Why a target may not be used for this request; null: it may. */
function barred(target: Target, { allowed, only, exclude, maxPrice, maxCost }: Bounds): string | null {
  if (!mayUseTarget(allowed, target.name)) return 'the key may not use it';
  if (only && !named(only, target)) return 'not among the targets that the request names';
  if (named(exclude, target)) return 'excluded by the request';
  if (maxPrice !== null && (target.price === null || target.price.input > maxPrice))
    return target.price === null
      ? 'its price is not known'
      : `dearer than ${maxPrice} USD per million tokens`;
  if (maxCost) {
    const usd = maxCost.estimate(target)?.usd;
    if (usd === undefined) return 'its price is not known';
    if (usd > maxCost.usd) return `would cost about ${Number(usd.toPrecision(3))} USD, over ${maxCost.usd}`;
  }
  return null;
}

/** Why a target can't answer a request; null: it can, as far as is known. */
export function cannot(target: Target, needs: Needs, bounds: Bounds): string | null {
  const missing = lacks(target, needs);
  return barred(target, bounds) ?? (missing.length > 0 ? `lacks ${missing.join(', ')}` : null);
}

const everyTargets = new WeakMap<Policy, readonly Target[]>();

/** Every target of a policy once, the cheapest first; unknown prices last, in the file's order. */
function everyTarget(policy: Policy): readonly Target[] {
  let all = everyTargets.get(policy);
  if (!all) {
    all = cheapestFirst(policy);
    everyTargets.set(policy, all);
  }
  return all;
}

function cheapestFirst(policy: Policy): Target[] {
  const all = new Set<Target>();
  for (const { routes, fallbacks } of policy.entries.values())
    for (const target of [
      ...routes.filter(({ weight }) => weight > 0).map((route) => route.target),
      ...fallbacks,
    ])
      all.add(target);
  const price = (target: Target) => (target.price ? blended(target.price) : Number.POSITIVE_INFINITY);
  return [...all].sort((a, b) => (price(a) === price(b) ? 0 : price(a) - price(b)));
}

/** The entry under whose name a target answers: the fallback entry where it is one of its own. */
function owner(policy: Policy, target: Target): Entry | null {
  const { fallback } = policy;
  const own =
    fallback && [...fallback.routes.map((route) => route.target), ...fallback.fallbacks].includes(target);
  return own ? fallback : entryOf(policy, target);
}

/** Targets of other entries that may be used, the fallback's first. */
function elsewhereIn(
  policy: Policy,
  after: readonly Target[] | undefined,
  random: () => number,
  wanted: readonly Target[],
  bounds: Bounds,
): Target[] {
  const fallback = policy.fallback ? orderTargets(policy.fallback, random) : [];
  const all = new Set(after ?? [...fallback, ...everyTarget(policy)]);
  return [...all].filter((target) => !wanted.includes(target) && barred(target, bounds) === null);
}

/** The answer's length left out: many servers clamp what is asked for. */
const clamped = (needs: Needs): Needs => ({ ...needs, context_tokens: needs.prompt_tokens });

interface Leave {
  /** False: no other entry is looked at (the client named this one). */
  readonly leave: boolean;
  readonly random?: () => number;
  /** Targets of other entries in the order of a choice by value: asked next where the first ones fail, too. */
  readonly after?: readonly Target[] | undefined;
}

/**
 * @param wanted targets in the order they were chosen, of the entry that was chosen.
 * @throws RouterError permission_denied, context_length_exceeded, no_capable_target, invalid_request
 */
export function withinPossible(
  policy: Policy,
  entry: Entry,
  wanted: readonly Target[],
  needs: Needs,
  bounds: Bounds,
  { leave, random = Math.random, after }: Leave,
): Possible {
  const passedOver: { target: Target; why: string }[] = [];
  const may: Target[] = [];
  // A choice by value is one among all of the policy's targets.
  const considered = after ? [...new Set([...wanted, ...after])] : wanted;
  for (const target of considered) {
    const why = barred(target, bounds);
    if (why !== null) passedOver.push({ target, why });
    else if (wanted.includes(target)) may.push(target);
  }
  const able = (list: readonly Target[], what: Needs) =>
    list.filter((target) => lacks(target, what).length === 0);
  // Most requests are served by what was wanted: the others are looked at when somebody asks for them.
  let found: readonly Target[] | null = null;
  const others = (): readonly Target[] => {
    found ??= leave ? elsewhereIn(policy, after, random, wanted, bounds) : [];
    return found;
  };
  const larger = () =>
    [...may, ...others()]
      .filter((target) => !lacksKind(target, needs))
      .sort((a, b) => (windowOf(a) === windowOf(b) ? 0 : windowOf(a) - windowOf(b)));
  for (const target of after ? [...may, ...others()] : may) {
    const missing = lacks(target, needs);
    if (missing.length > 0) passedOver.push({ target, why: `lacks ${missing.join(', ')}` });
  }
  const moved = may.length === 0 ? 'allowed' : 'capability';
  const elsewhere = (targets: readonly Target[]): Possible => ({
    entry: owner(policy, targets[0]!) ?? entry,
    targets,
    moved,
    passedOver,
    larger,
  });

  const here = able(may, needs);
  if (here.length > 0) {
    const targets = after ? [...here, ...able(others(), needs)] : here;
    return { entry, targets, moved: null, passedOver, larger };
  }
  const there = able(others(), needs);
  if (there.length > 0) return elsewhere(there);
  const short = clamped(needs);
  const hereShort = able(may, short);
  if (hereShort.length > 0) return { entry, targets: hereShort, moved: null, passedOver, larger };
  // Of several windows that are all too small for the answer the largest leaves most of it.
  const thereShort = able(others(), short).sort((a, b) => windowOf(b) - windowOf(a));
  if (thereShort.length > 0) return elsewhere(thereShort);
  throw refusal(entry, considered, [...may, ...others()], needs, bounds, passedOver, leave);
}

function refusal(
  entry: Entry,
  wanted: readonly Target[],
  may: readonly Target[],
  needs: Needs,
  bounds: Bounds,
  passedOver: Possible['passedOver'],
  everywhere: boolean,
): RouterError {
  if (may.length === 0) {
    const forbidden = wanted.every((target) => !mayUseTarget(bounds.allowed, target.name));
    const names = bounds.allowed?.join(', ') || 'none';
    if (forbidden)
      return new RouterError(
        'permission_denied',
        `This key may not use any target of entry '${entry.name}'; it may use: ${names}`,
      );
    const told = passedOver.map(({ target, why }) => `${target.name}: ${why}`);
    return new RouterError('invalid_request', `No target is left to choose from. ${told.join('; ')}`, {
      param: 'nim-llm-router',
    });
  }
  const only = may.filter((target) => !lacksKind(target, needs));
  if (only.length > 0) return tooLong(Math.max(...only.map(windowOf)), needs);
  const told = may.map((target) => `${target.name} lacks ${lacks(target, needs).join(', ')}`);
  return new RouterError(
    'no_capable_target',
    `No target of entry '${entry.name}'${everywhere ? ', nor any other of the policy,' : ''} can do this: ${told.join('; ')}`,
    needs.speech?.param === undefined ? {} : { param: needs.speech.param },
  );
}

/** In OpenAI's own words: clients look for them to compact a conversation or to ask for less. */
export function tooLong(limit: number, { prompt_tokens, answer_tokens, context_tokens }: Needs): RouterError {
  const asked =
    answer_tokens > 0
      ? `you requested about ${context_tokens} tokens (${prompt_tokens} in the messages, ${answer_tokens} in the completion). Please reduce the length of the messages or completion.`
      : `your messages resulted in about ${prompt_tokens} tokens. Please reduce the length of the messages.`;
  return new RouterError(
    'context_length_exceeded',
    Number.isFinite(limit)
      ? `This model's maximum context length is ${limit} tokens. However, ${asked}`
      : `This model's maximum context length is exceeded: ${asked}`,
    { param: 'messages' },
  );
}
