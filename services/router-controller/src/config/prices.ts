/** What answers may cost before it is known which target gives them, and budgets in USD that nothing could ever spend. */
import { formatPath, type Problem } from './problems.ts';
import type { ConfigFile } from './schema.ts';
import type { Price, RoutingTable, Target } from './types.ts';

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

/** Budgets in USD, where they stand and what they count. */
function inUsd({ budgets, auth }: ConfigFile) {
  const common = budgets.map(({ usd, scope, match }, index) => ({
    usd,
    path: ['budgets', index, 'usd'],
    policy: scope === 'policy' ? match : undefined,
    targets: null as readonly string[] | null,
  }));
  const ofKeys = auth.keys.map(({ budget, targets }, index) => ({
    usd: budget?.usd,
    path: ['auth', 'keys', index, 'budget', 'usd'],
    policy: undefined,
    targets: targets ?? null,
  }));
  return [...common, ...ofKeys].filter(({ usd }) => usd !== undefined);
}

/** Budgets in USD over targets none of which has a price: they would be spent by nothing, and stop nobody. */
export function priceProblems(file: ConfigFile, table: RoutingTable): Problem[] {
  return inUsd(file).flatMap(({ path, policy, targets }) =>
    pricesOf(table, policy ?? '', targets).length > 0
      ? []
      : [
          {
            path: formatPath(path),
            message:
              'no target that it counts has a price, so nothing would ever be spent; give the targets a `price`, or budget `tokens`',
          },
        ],
  );
}

/** Names of targets without a price, where there is a budget in USD: requests to them cost it nothing. */
export const unpricedTargets = (file: ConfigFile, { targets }: RoutingTable): string[] =>
  inUsd(file).length === 0 ? [] : [...targets.values()].filter(({ price }) => !price).map(({ name }) => name);
