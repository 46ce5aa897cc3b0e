/**
 * Hands every first packet of a connection from or to a pod to the engine of network policies (programs/kubernetes/policies). The engine
 * would make such rules itself, in nftables, by an expression that not every kernel has; iptables' target does the same. While
 * the engine does not answer nothing passes.
 */
import type { Box } from '../engine/box.ts';
import { POD_RANGE } from './addresses.ts';
import { ask } from './inside.ts';

const CHAIN = 'POLICIES';
/** The engine's own. */
const QUEUE = '100';

export async function divertToPolicies(box: Box, iptables: string): Promise<void> {
  const rule = (...args: string[]) => ask(box, iptables, ['--wait', '--table', 'mangle', ...args]);
  await rule('--new-chain', CHAIN);
  // The kubelet's own: probes pass whatever policies say.
  await rule('--append', CHAIN, '-m', 'owner', '--uid-owner', '0', '-j', 'RETURN');
  await rule('--append', CHAIN, '-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED', '-j', 'RETURN');
  for (const side of ['--source', '--destination'])
    await rule('--append', CHAIN, side, POD_RANGE, '-j', 'NFQUEUE', '--queue-num', QUEUE);
  // After kube-proxy has turned Services into pods, before anything is masked.
  await rule('--append', 'POSTROUTING', '-j', CHAIN);
}
