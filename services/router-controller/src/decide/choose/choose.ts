/** Pure: from a classification and a policy to the entry and the order of its targets. */
import { mayUseTarget } from '../../authenticate/index.ts';
import type { Entry, Policy, Rule, Target } from '../../config/types.ts';
import type { DecisionReason, PromptEmbedding, Weighed } from '../../request.ts';

/** A model's answer with names put to its numbers. */
export interface Classification {
  readonly label: string;
  readonly confidence: number;
  readonly scores: Readonly<Record<string, number>>;
  readonly extraScores: Readonly<Record<string, number>> | null;
  readonly modelVersion: string;
  readonly tokenCount: number | null;
  /** True when the model saw only head and tail of the text. */
  readonly tokensCut: boolean;
  /** Absent: it was not asked for. */
  readonly embedding?: PromptEmbedding;
}

export interface Choice {
  readonly entry: Entry;
  readonly reason: DecisionReason;
  /** The rule that chose. */
  readonly rule?: Rule;
  /** Asked before the entry's own targets: a rule names it. */
  readonly target?: Target;
  /** What the request is taken for where a rule says so. */
  readonly label?: string;
  /** Entries to go on with where this one's targets fail; absent: none. */
  readonly next?: readonly Entry[];
  readonly weighed?: Weighed;
}

/** Index of the route that a point in [0, 1) falls on when the routes lie side by side, as wide as their weights. */
function drawByWeight(routes: readonly { readonly weight: number }[], point: number): number {
  if (routes.length === 1) return 0;
  let left = point * routes.reduce((sum, route) => sum + route.weight, 0);
  for (const [index, route] of routes.entries()) {
    left -= route.weight;
    if (left < 0) return index;
  }
  return routes.length - 1;
}

interface Order {
  /** Routes that take part in the draw, by priority. */
  readonly routes: readonly (readonly Entry['routes'][number][])[];
  /** Fallbacks, replicas together. */
  readonly fallbacks: readonly (readonly Target[])[];
}

const orders = new WeakMap<Entry, Order>();

/** What of an entry's order hangs on no chance. */
function orderOf(entry: Entry): Order {
  let order = orders.get(entry);
  if (!order) {
    const drawn = entry.routes.filter(({ weight }) => weight > 0).sort((a, b) => a.priority - b.priority);
    order = {
      routes: [...Map.groupBy(drawn, ({ priority }) => priority).values()],
      fallbacks: [...Map.groupBy(entry.fallbacks, ({ name }) => name).values()],
    };
    orders.set(entry, order);
  }
  return order;
}

/**
 * The targets of an entry in the order they are to be tried: within each priority drawn by weight without replacement,
 * then the entry's fallbacks, each target once.
 *
 * @param random returns a number in [0, 1); given so that tests and replays are repeatable.
 */
export function orderTargets(entry: Entry, random: () => number = Math.random): Target[] {
  const ordered: Target[] = [];
  const add = (target: Target) => {
    if (!ordered.includes(target)) ordered.push(target);
  };
  const { routes, fallbacks } = orderOf(entry);
  for (const group of routes) {
    const pool = [...group];
    while (pool.length > 0) {
      const index = drawByWeight(pool, random());
      add(pool[index]!.target);
      pool.splice(index, 1);
    }
  }
  // Replicas of a fallback stand together; which of them is first is chance.
  for (const group of fallbacks) {
    const replicas = [...group];
    while (replicas.length > 0) add(replicas.splice(Math.floor(random() * replicas.length), 1)[0]!);
  }
  return ordered;
}

/**
 * The manual strategy: an entry by its name, or by the model id of one of its targets.
 *
 * @param allowed targets that the caller may use, which come first; null: all.
 */
export function findManual(
  policy: Policy,
  model: string,
  allowed: readonly string[] | null = null,
): { entry: Entry; target: Target | null } | null {
  const wanted = model.trim();
  const entry = policy.entries.get(wanted);
  if (entry) return { entry, target: null };
  const found = [...policy.entries.values()].flatMap((candidate) =>
    [...candidate.routes.map((route) => route.target), ...candidate.fallbacks]
      .filter((target) => target.model === wanted || target.name === wanted)
      .map((target) => ({ entry: candidate, target })),
  );
  // Two targets may serve one model, each with a key of its own.
  return found.find(({ target }) => mayUseTarget(allowed, target.name)) ?? found[0] ?? null;
}
