/** GPUs that are none, on one node of a cluster: device-plugin.ts in the node's box, where its kubelet looks for plugins. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Node } from './node.ts';

const PROGRAM = join(import.meta.dirname, 'device-plugin.ts');
const READY_MS = 30_000;

export interface Devices {
  /** Names that were given to containers so far, one entry for each container, in order. */
  readonly given: readonly (readonly string[])[];
  /** The node has none any more, as soon as its kubelet has noticed. */
  stop(): Promise<void>;
}

/** @throws Error with the plugin's words when the kubelet does not take it. */
export async function startDevices({ name, box }: Node, count: number): Promise<Devices> {
  const child = box.spawn(process.execPath, [PROGRAM, '--count', String(count)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const given: string[][] = [];
  let said = '';
  child.stderr!.on('data', (chunk) => {
    said += chunk;
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = new Promise<boolean>((resolve) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line === 'ready') resolve(true);
      const [, ids] = /^allocated (\S+)$/.exec(line) ?? [];
      if (ids) given.push(ids.split(','));
    });
    void ended.then(() => resolve(false));
    setTimeout(() => resolve(false), READY_MS).unref();
  });
  if (!(await ready)) throw new Error(`no device plugin on ${name}: ${said.trim() || 'it said nothing'}`);
  return {
    given,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) box.signal(child, 'SIGTERM');
      await ended;
    },
  };
}
