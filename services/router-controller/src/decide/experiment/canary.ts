/** A share of the traffic is decided by another policy; a conversation falls on one side with all its turns. */
import { createHash } from 'node:crypto';
import { mayUsePolicy } from '../../authenticate/index.ts';
import type { Policy, RoutingTable } from '../../config/types.ts';
import type { Caller } from '../../request.ts';

/** @param keyOf what the side hangs on; the same for every turn of a conversation. */
export function canaryOf(policy: Policy, table: RoutingTable, caller: Caller, keyOf: () => string): Policy {
  const { canary } = policy;
  if (!canary || !mayUsePolicy(caller, canary.policy)) return policy;
  const point = createHash('sha256').update(keyOf()).digest().readUInt32BE(0) / 2 ** 32;
  return (point < canary.share && table.policies.get(canary.policy)) || policy;
}
