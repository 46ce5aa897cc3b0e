/** The wires between nodes: each node is a box, and their network namespaces are joined by a bridge on the first one. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Box } from '../engine/box.ts';
import { NODE_BITS, nodeAddress, podRange, SERVICE_RANGE } from './addresses.ts';
import { ask } from './inside.ts';

const run = promisify(execFile);

/** On the first node the bridge, on the others the end of a wire to it. */
const DEVICE = 'nodes';

/** Joins boxes of a network of their own each; the machine's network takes no part. */
export async function joinNodes(boxes: readonly Box[]): Promise<void> {
  const [first, ...others] = boxes as [Box, ...Box[]];
  await ask(first, 'ip', ['link', 'add', DEVICE, 'type', 'bridge']);
  for (const [index, box] of others.entries()) {
    const wire = `wire-${index + 2}`;
    // Made in both namespaces at once: it never lies in the machine's. Only from out here both have a number.
    const ends = [wire, 'type', 'veth', 'peer', 'name', DEVICE, 'netns', String(box.pid)];
    await run('nsenter', [`--target=${first.pid}`, '--net', 'ip', 'link', 'add', ...ends]);
    await ask(first, 'ip', ['link', 'set', wire, 'master', DEVICE, 'up']);
  }
  await Promise.all(boxes.map((box, index) => address(box, index + 1, boxes.length)));
}

async function address(box: Box, node: number, nodes: number): Promise<void> {
  const ip = (...args: string[]) => ask(box, 'ip', args);
  await ip('address', 'add', `${nodeAddress(node)}/${NODE_BITS}`, 'dev', DEVICE);
  await ip('link', 'set', DEVICE, 'up');
  // Connections to Services begin with a look at the routes, before kube-proxy's rules turn them.
  await ip('route', 'add', SERVICE_RANGE, 'dev', DEVICE);
  for (let other = 1; other <= nodes; other++)
    if (other !== node) await ip('route', 'add', podRange(other), 'via', nodeAddress(other));
  await ask(box, 'sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
}
