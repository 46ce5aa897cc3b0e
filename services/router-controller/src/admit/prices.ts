/** What answers may cost before it is known which target gives them. */
import type { Price, RoutingTable, Target } from '../config/types.ts';

/** Targets that a policy may reach; without one of that name, all there are. */
export function reachable({ policies, targets }: RoutingTable, policy: string): Target[] {
  const entries = policies.get(policy)?.entries;
  if (!entries) return [...targets.values()];
  return [...entries.values()].flatMap(({ routes, fallbacks }) => [
    ...routes.map(({ target }) => target),
    ...fallbacks,
  ]);
}

/** Prices of those that a caller may use. @param allowed null: all */
export const pricesOf = (table: RoutingTable, policy: string, allowed: readonly string[] | null): Price[] =>
  reachable(table, policy).flatMap(({ name, price }) =>
    price && (allowed === null || allowed.includes(name)) ? [price] : [],
  );
