/** Model names that ask for a named setting of a policy of kind value: `POLICY:POINT`, or `auto:POINT` of the default policy. */
import { isAuto } from '../config/auto.ts';
import type { Choose, Policy, RoutingTable } from '../config/types.ts';

export interface Named {
  readonly policy: Policy;
  readonly choose: Choose;
}

/** The policy that a name before the colon stands for. */
function policyOf(table: RoutingTable, name: string): Policy | undefined {
  const named = table.policies.get(name) ?? table.policies.get(table.aliases.get(name.toLowerCase()) ?? '');
  if (named || !isAuto(name)) return named;
  // As `auto` itself: the default policy, else the first one.
  return (
    table.policies.get('auto') ??
    (table.defaultPolicy === null ? [...table.policies.values()][0] : table.policies.get(table.defaultPolicy))
  );
}

/** Null: the name is something else. */
export function pointNamed(table: RoutingTable, model: string): Named | null {
  const colon = model.lastIndexOf(':');
  if (colon <= 0) return null;
  const policy = policyOf(table, model.slice(0, colon));
  const choose = policy?.value?.points.get(model.slice(colon + 1).toLowerCase());
  return policy && choose ? { policy, choose } : null;
}

/** Names under which a policy's points can be asked for. */
export const pointNames = ({ value }: Policy, name: string): string[] =>
  [...(value?.points.keys() ?? [])].map((point) => `${name}:${point}`);
