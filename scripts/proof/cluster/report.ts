/** Tables for people. */
import type { KubernetesObject } from '../../cluster/cluster.ts';
import { isReady } from './doing.ts';
import type { PlacementResult } from './gpu.ts';
import type { EventResult, World } from './world.ts';

/** Lines up columns; numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const all = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) =>
      row
        .map((cell, column) =>
          /^[\d.]+$/.test(cell) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const eventsTable = (results: readonly EventResult[]): string =>
  table(
    ['event', 'requests', 'lost', 'cut', 'fell back', 'longest pause ms', 's'],
    results.map((each) => [
      each.name,
      each.requests,
      each.lost,
      each.cut,
      each.fellBack,
      each.longestPauseMs,
      each.seconds,
    ]),
  );

export interface PodRow {
  readonly component: string;
  readonly image: string;
  readonly bytes: number;
  /** From its container's start, s. */
  readonly readyAfter: number;
}

/** Memory as the kubelet tells it, and start-up from the container's start until it was ready. */
export async function seenPods({ cluster, release }: Pick<World, 'cluster' | 'release'>): Promise<PodRow[]> {
  const { namespace, name } = release;
  const memory = new Map<string, number>();
  for (const node of cluster.nodes) {
    const told = await cluster.kubectl('get', '--raw', `/api/v1/nodes/${node.name}/proxy/stats/summary`);
    for (const { podRef, memory: used } of JSON.parse(told).pods as KubernetesObject[])
      if (podRef.namespace === namespace) memory.set(podRef.name, used?.workingSetBytes ?? 0);
  }
  const { items } = await cluster.get('pods', '-n', namespace, '-l', `app.kubernetes.io/instance=${name}`);
  // One that is on its way, or being ended, tells no start-up.
  return items.filter(isReady).map(({ metadata, spec, status }: KubernetesObject) => {
    const started = Date.parse(status.containerStatuses[0].state.running?.startedAt);
    const ready = status.conditions.find(({ type }: KubernetesObject) => type === 'Ready');
    return {
      component: metadata.labels['app.kubernetes.io/component'],
      image: spec.containers[0].image,
      bytes: memory.get(metadata.name) ?? 0,
      readyAfter: (Date.parse(ready.lastTransitionTime) - started) / 1_000,
    };
  });
}

/** One line for each image: most memory, and start-up from the quickest to the slowest. */
export function podsTable(pods: readonly PodRow[]): string {
  const rows = [...Map.groupBy(pods, ({ component, image }) => `${component} ${image}`).values()].map(
    (alike) => {
      const started = alike.map(({ readyAfter }) => readyAfter);
      return [
        alike[0]!.component,
        alike[0]!.image,
        Math.round(Math.max(...alike.map(({ bytes }) => bytes)) / 1_000_000),
        Math.min(...started),
        Math.max(...started),
      ];
    },
  );
  return table(['pod', 'image', 'MB at most', 'ready after s', 'to s'], rows);
}

export const placementTable = (results: readonly PlacementResult[]): string =>
  table(
    ['values', 'classifiers placed', 'without a GPU'],
    results.map(({ values, placed, without }) => [values, placed, without]),
  );
