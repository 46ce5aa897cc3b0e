/** Tables for people. */
import type { KubernetesObject } from '../../cluster/cluster.ts';
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

/** Memory as the kubelet tells it, and start-up from the container's start until it was ready. */
export async function podsTable({ cluster, release }: World): Promise<string> {
  const memory = new Map<string, number>();
  for (const { name } of cluster.nodes) {
    const told = await cluster.kubectl('get', '--raw', `/api/v1/nodes/${name}/proxy/stats/summary`);
    for (const { podRef, memory: used } of JSON.parse(told).pods as KubernetesObject[])
      if (podRef.namespace === release.namespace) memory.set(podRef.name, used?.workingSetBytes ?? 0);
  }
  const { items } = await cluster.get(
    'pods',
    '-n',
    release.namespace,
    '-l',
    `app.kubernetes.io/instance=${release.name}`,
  );
  const rows = items
    .filter(({ status }: KubernetesObject) => status.phase === 'Running')
    .map(({ metadata, status }: KubernetesObject) => {
      const started = Date.parse(status.containerStatuses[0].state.running?.startedAt);
      const ready = Date.parse(
        status.conditions.find(({ type }: KubernetesObject) => type === 'Ready').lastTransitionTime,
      );
      return [
        metadata.name,
        Math.round((memory.get(metadata.name) ?? 0) / 1_000_000),
        (ready - started) / 1_000,
      ];
    });
  return table(['pod', 'MB', 'ready after s'], rows);
}
