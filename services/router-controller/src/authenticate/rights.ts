/** What a caller may use, and so what it is told of: answers, lists and errors name nothing else. */
import type { Entry, Policy, RoutingTable, Target } from '../config/types.ts';
import { RouterError } from '../errors.ts';
import type { Caller } from '../request.ts';

export type Rights = Pick<Caller, 'policies' | 'targets'>;

/** Null: all of them. */
const holds = (list: readonly string[] | null, name: string) => list === null || list.includes(name);

export const mayUsePolicy = ({ policies }: Rights, policy: string): boolean => holds(policies, policy);

/** @param allowed the caller's `targets`. */
export const mayUseTarget = (allowed: readonly string[] | null, target: string): boolean =>
  holds(allowed, target);

/** Targets an entry may ask at all, the weighted ones first. */
export const targetsOf = (entry: Entry): Target[] => [
  ...entry.routes.map(({ target }) => target),
  ...entry.fallbacks,
];

/** Entries of a policy with a target that may be used. */
export const visibleEntries = (policy: Policy, allowed: readonly string[] | null): Entry[] =>
  [...policy.entries.values()].filter((entry) =>
    targetsOf(entry).some((target) => mayUseTarget(allowed, target.name)),
  );

/**
 * Whether a caller may reach a target without a policy. A key that is bound to policies may use their targets; further ones it
 * must name itself.
 */
export function mayReach({ policies, targets }: Rights, table: RoutingTable): (target: Target) => boolean {
  if (targets) return ({ name }) => targets.includes(name);
  if (!policies) return () => true;
  const reached = new Set(
    policies.flatMap((name) =>
      [...(table.policies.get(name)?.entries.values() ?? [])].flatMap(targetsOf).map((target) => target.name),
    ),
  );
  return ({ name }) => reached.has(name);
}

/** The routing table as one caller may know it. */
export interface VisibleTable {
  /** Policies that it may use and that lead to a target that it may use, in the file's order. */
  readonly policies: readonly VisiblePolicy[];
  /** Null also where the caller may not use it. */
  readonly defaultPolicy: string | null;
}

export interface VisiblePolicy {
  readonly policy: Policy;
  readonly entries: readonly VisibleEntry[];
}

export interface VisibleEntry {
  readonly entry: Entry;
  /** Those of its targets that the caller may use, each once, weighted ones first. */
  readonly targets: readonly Target[];
}

/** For `/v1/models`, `/config` and lists in errors. */
export function visibleTo({ policies, targets }: Rights, table: RoutingTable): VisibleTable {
  const visible = [...table.policies.values()]
    .filter((policy) => holds(policies, policy.name))
    .map((policy) => ({
      policy,
      entries: visibleEntries(policy, targets).map((entry) => ({
        entry,
        targets: [...new Set(targetsOf(entry))].filter((target) => mayUseTarget(targets, target.name)),
      })),
    }))
    .filter(({ entries }) => entries.length > 0);
  const byDefault = visible.find(({ policy }) => policy.name === table.defaultPolicy);
  return { policies: visible, defaultPolicy: byDefault?.policy.name ?? null };
}

/** @throws RouterError permission_denied when the caller's key is not for this policy. */
export function checkPolicyAllowed(caller: Rights, policy: string): void {
  if (mayUsePolicy(caller, policy)) return;
  const names = caller.policies?.join(', ') || 'none';
  throw new RouterError('permission_denied', `This key may not use policy '${policy}'; it may use: ${names}`);
}
