/** Which pods can reach which, tried for real, against the arrows of the chart's README: these and no others. */
import type { Cluster, KubernetesObject } from '../../cluster/cluster.ts';
import type { Release } from '../../cluster/release.ts';

interface Pod {
  readonly pod: string;
  readonly address: string;
}

export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly port: number;
}

export interface ArrowResult extends Arrow {
  readonly allowed: boolean;
  readonly open: boolean;
}

const words = ({ from, to, port }: Arrow) => `${from} → ${to}:${port}`;

/** Long enough for an answer on one machine; what a policy stops is dropped, so that nothing answers. */
const WAIT_MS = 2_500;

/** Tells for each address whether a connection comes about. */
const PROBE = `
const { connect } = require('node:net');
const targets = JSON.parse(process.argv[1]);
Promise.all(targets.map(([host, port]) => new Promise((done) => {
  const socket = connect({ host, port, timeout: ${WAIT_MS} });
  const end = (open) => { socket.destroy(); done(open); };
  // A refusal comes from the other side: nothing stood between.
  socket.on('connect', () => end(true)).on('timeout', () => end(false)).on('error', (e) => end(e.code === 'ECONNREFUSED'));
}))).then((all) => console.log(JSON.stringify(all)));`;

/** Pods that are no part of the release: one that the values let in, and one that nobody knows. */
const stranger = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'stranger', namespace, labels: { app: 'stranger' } },
  spec: {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'stranger',
        image: 'llm-router-stand-in-llms:0.1.0',
        imagePullPolicy: 'Never',
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
  },
});

/** Of the laptop's values with the proof's own over them; the client is the pod `load`. */
const ALLOWED: readonly Arrow[] = [
  { from: 'client', to: 'controller', port: 8084 },
  { from: 'controller', to: 'classifier', port: 8001 },
  { from: 'controller', to: 'redis', port: 6379 },
  { from: 'controller', to: 'models', port: 9000 },
  { from: 'controller', to: 'dns', port: 53 },
];

const PORTS: Readonly<Record<string, readonly number[]>> = {
  controller: [8084],
  classifier: [8001, 8000],
  redis: [6379],
  models: [9000],
  stranger: [9000],
  dns: [53],
};
const SOURCES = ['client', 'controller', 'classifier', 'stranger'] as const;
/** Not the release's to say: between pods that none of its policies selects everything is open. */
const FREE: readonly string[] = ['client', 'stranger', 'models', 'dns'];

/** @returns one result for each pair of parts and port that the release's policies decide about. */
export async function tryArrows(cluster: Cluster, release: Release): Promise<ArrowResult[]> {
  const { namespace } = release;
  await cluster.apply(JSON.stringify(stranger(namespace)));
  await cluster.kubectl('-n', namespace, 'wait', '--for=condition=Ready', 'pod/stranger', '--timeout=60s');
  const one = async (selector: string, where = namespace): Promise<Pod> => {
    const { items } = await cluster.get('pods', '-n', where, '-l', selector);
    const found = items.find(
      ({ metadata, status }: KubernetesObject) => !metadata.deletionTimestamp && status.podIP,
    );
    if (!found) throw new Error(`no pod with ${selector} in ${where}`);
    return { pod: found.metadata.name, address: found.status.podIP };
  };
  const part = (name: string) =>
    one(`app.kubernetes.io/instance=${release.name},app.kubernetes.io/component=${name}`);
  const pods: Readonly<Record<string, Pod>> = {
    client: await one('app=load'),
    controller: await part('controller'),
    classifier: await part('classifier'),
    redis: await part('redis'),
    models: await one('app=stand-in-llms'),
    stranger: await one('app=stranger'),
    dns: await one('k8s-app=kube-dns', 'kube-system'),
  };
  const results: ArrowResult[] = [];
  for (const from of SOURCES) {
    const arrows = Object.entries(PORTS)
      .filter(([to]) => to !== from && !(FREE.includes(from) && FREE.includes(to)))
      .flatMap(([to, ports]) => ports.map((port) => ({ from, to, port })));
    const targets = JSON.stringify(arrows.map(({ to, port }) => [pods[to]!.address, port]));
    const told = await cluster.kubectl(
      '-n',
      namespace,
      'exec',
      pods[from]!.pod,
      '--',
      'node',
      '-e',
      PROBE,
      targets,
    );
    const open = JSON.parse(told) as boolean[];
    for (const [index, arrow] of arrows.entries())
      results.push({
        ...arrow,
        open: open[index]!,
        allowed: ALLOWED.some((each) => words(each) === words(arrow)),
      });
  }
  await cluster.kubectl('-n', namespace, 'delete', 'pod/stranger', '--wait=false');
  return results;
}

/** What does not hold, in words. */
export const wrongArrows = (results: readonly ArrowResult[]): string[] =>
  results
    .filter(({ allowed, open }) => allowed !== open)
    .map((each) => `${words(each)} is ${each.open ? 'open' : 'closed'}, and should not be`);
