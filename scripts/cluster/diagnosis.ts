/** What a namespace's pods say of themselves, short enough to read: shown when something did not come about. */
import type { Cluster, KubernetesObject } from './cluster.ts';

/** Of each container. */
const LOG_LINES = 5;
const EVENTS = 8;
/** A log's line may be a whole object. */
const WIDTH = 240;

const short = (line: string) => (line.length > WIDTH ? `${line.slice(0, WIDTH)}…` : line);

function stateOf({ name, ready, restartCount, state, lastState }: KubernetesObject): string {
  const told = Object.entries(state as KubernetesObject).map(
    ([word, { reason, message }]: KubernetesObject) => [word, reason, message].filter(Boolean).join(' '),
  );
  const before = lastState?.terminated;
  const ended = before ? `, ended before with ${before.exitCode} ${before.reason ?? ''}` : '';
  return `${name} ${ready ? 'ready' : 'not ready'}, ${told.join()}, ${restartCount} restarts${ended}`;
}

/**
 * States and last lines of every pod, the one that is not ready first, and the namespace's last warnings.
 *
 * @returns text; what can't be had is told in its place.
 */
export async function diagnose(cluster: Cluster, namespace: string): Promise<string> {
  const inNamespace = (...args: readonly string[]) => cluster.kubectl('-n', namespace, ...args);
  try {
    const { items } = await cluster.get('pods', '-n', namespace);
    const isReady = ({ status }: KubernetesObject) =>
      (status.containerStatuses ?? []).every(({ ready }: KubernetesObject) => ready);
    const pods = [...items].sort((a, b) => Number(isReady(a)) - Number(isReady(b)));
    const lines: string[] = [];
    for (const { metadata, spec, status } of pods) {
      const ending = metadata.deletionTimestamp ? ', being ended' : '';
      lines.push(`pod ${metadata.name} on ${spec.nodeName ?? 'no node'}: ${status.phase}${ending}`);
      const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
      lines.push(...containers.map((each) => `  ${stateOf(each)}`));
      // The load tells a line for each request.
      if (metadata.labels?.app === 'load') continue;
      const log = await inNamespace('logs', metadata.name, '--all-containers', `--tail=${LOG_LINES}`).catch(
        (error: Error) => error.message,
      );
      lines.push(
        ...log
          .trimEnd()
          .split('\n')
          .map((line) => `    ${line}`),
      );
    }
    const warnings = await inNamespace(
      ...['get', 'events', '--field-selector', 'type=Warning', '--sort-by=.lastTimestamp', '--no-headers'],
    );
    lines.push(...warnings.trimEnd().split('\n').slice(-EVENTS));
    return lines.map(short).join('\n');
  } catch (error) {
    return `and the cluster does not tell more: ${(error as Error).message}`;
  }
}
