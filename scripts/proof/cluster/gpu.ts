/**
 * The chart's values for GPUs where one node offers some that are none (scripts/cluster/device-plugin.ts): which node a classifier gets,
 * which it does not, and what its container is given. Nothing computes on them: Triton ends there for want of a driver.
 */
import { join } from 'node:path';
import { CHART } from '../../../deploy/helm/src/files.ts';
import type { Cluster, KubernetesObject } from '../../cluster/cluster.ts';
import { type Devices, startDevices } from '../../cluster/devices.ts';
import { REDIS_IMAGE } from '../../cluster/images.ts';
import type { Node } from '../../cluster/node.ts';
import { install, prepareNamespace, type Release } from '../../cluster/release.ts';
import { pick, render, valuesFiles } from '../../deploy/chart.ts';
import { ROOT } from '../../parts/lib.ts';
import { podsOf, untilHeld } from './doing.ts';
import { LABELS, secretsOf, small } from './installs.ts';

export const PLACEMENT = 'GPUs given to classifiers';

const GPU = 'nvidia.com/gpu';
/** As NVIDIA's operator labels and taints nodes that have one, and names its runtime. */
const LABEL = { 'nvidia.com/gpu.present': 'true' };
const TAINT = `${GPU}=present:NoSchedule`;
const RUNTIME_CLASS = {
  apiVersion: 'node.k8s.io/v1',
  kind: 'RuntimeClass',
  metadata: { name: 'nvidia' },
  // What containerd has under NVIDIA's name on such a node; here it is the usual one.
  handler: 'runc',
};

/** Over each file: small requests, and nothing for which a cluster needs more than Kubernetes itself. */
const OVER = {
  controller: { replicas: 1, autoscaling: { enabled: false }, resources: small('512Mi') },
  classifier: {
    resources: small('4Gi'),
    nodeSelector: LABEL,
    gpu: { runtimeClassName: RUNTIME_CLASS.metadata.name },
  },
  redis: { image: REDIS_IMAGE },
  httpRoute: { enabled: false },
  route: { enabled: false },
  serviceMonitor: { enabled: false },
  prometheusRule: { enabled: false },
};

export interface PlacementResult {
  readonly values: string;
  /** Why pods were placed nowhere while no node offered a GPU, as the scheduler says. */
  readonly without: string;
  /** Classifiers that were placed and given a device. */
  readonly placed: number;
  readonly error: string | null;
}

/** Ready-made values whose classifier asks for GPUs. */
async function filesWithGpus(): Promise<[string, string][]> {
  const asking: [string, string][] = [];
  for (const [values, file] of valuesFiles(join(ROOT, CHART))) {
    const { spec } = pick(await render({ values: [file] }), 'Deployment', '-classifier');
    if (spec.template.spec.containers[0].resources.limits[GPU]) asking.push([values, file]);
  }
  return asking;
}

/** Installs each, and takes it away again. */
export async function placeOnGpus(
  cluster: Cluster,
  told: (result: PlacementResult) => void,
): Promise<PlacementResult[]> {
  const node = cluster.nodes.at(-1)!;
  await cluster.apply(JSON.stringify(RUNTIME_CLASS));
  await cluster.addPlatform();
  const labels = Object.entries(LABEL).map(([key, value]) => `${key}=${value}`);
  await cluster.kubectl('label', 'node', node.name, ...labels);
  await cluster.kubectl('taint', 'node', node.name, TAINT);
  const results: PlacementResult[] = [];
  for (const [values, file] of await filesWithGpus()) {
    const namespace = `gpu-${values}`;
    const seen = { without: '', placed: 0 };
    let error: string | null = null;
    try {
      await prepareNamespace(cluster, namespace, {
        secrets: secretsOf(cluster.authority),
        labels: LABELS[values] ?? {},
      });
      const release = await install(cluster, {
        name: 'router',
        namespace,
        files: [file],
        over: OVER,
        wait: false,
      });
      await placeOne({ cluster, release, node }, seen);
      await release.uninstall();
    } catch (failure) {
      error = (failure as Error).message;
    }
    await cluster.kubectl('delete', 'namespace', namespace, '--wait=false');
    const result = { values, ...seen, error };
    told(result);
    results.push(result);
  }
  // Other proofs use this node, too.
  await cluster.kubectl('taint', 'node', node.name, `${GPU}-`);
  return results;
}

interface Placing {
  readonly cluster: Cluster;
  readonly release: Release;
  readonly node: Node;
}

async function placeOne(placing: Placing, seen: { without: string; placed: number }): Promise<void> {
  const { cluster, release, node } = placing;
  const deploy = `deploy/${release.fullName}-classifier`;
  const { spec } = await cluster.get('-n', release.namespace, deploy);
  const wanted: number = spec.replicas;
  seen.without = await untilRefused(placing, wanted);
  const devices = await startDevices(node, wanted);
  try {
    await untilOffered(placing, wanted);
    await untilPlaced(placing, wanted);
    seen.placed = (await checkGiven(placing, devices)).length;
    if (Number(spec.strategy.rollingUpdate.maxSurge) === 0) await rollOnOne(placing, deploy);
    // One more than there are GPUs.
    await cluster.kubectl('-n', release.namespace, 'scale', deploy, `--replicas=${wanted + 1}`);
    await untilRefused(placing, 1);
  } finally {
    await devices.stop();
  }
  await untilOffered(placing, 0);
}

const classifiers = ({ cluster, release }: Placing) => podsOf({ cluster, release }, 'classifier');
const devicesAsked = ({ spec }: KubernetesObject): number =>
  Number(spec.containers[0].resources.limits[GPU] ?? 0);

/** What the scheduler says of a pod that it has placed nowhere; null: it has, or has not looked yet. */
const refusalOf = ({ status }: KubernetesObject): string | null =>
  status.conditions?.find(
    ({ type, status, reason }: KubernetesObject) =>
      type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
  )?.message ?? null;

/** Waits until so many classifiers are placed nowhere because of GPUs. @returns why, in the scheduler's words. */
async function untilRefused(placing: Placing, count: number): Promise<string> {
  let why: string[] = [];
  const refused = async () => {
    const pods = (await classifiers(placing)).filter(({ metadata }) => !metadata.deletionTimestamp);
    why = pods.map(refusalOf).filter((message) => message !== null);
    return why.length === count && why.every((message) => message.includes(`Insufficient ${GPU}`));
  };
  await untilHeld(`${count} classifiers wait for a GPU`, refused, {
    why: async () => `The scheduler says: ${why.join('; ') || 'nothing'}`,
  });
  return why[0]!;
}

/** Waits until the node offers just so many. */
const untilOffered = ({ cluster, node }: Placing, count: number) =>
  untilHeld(`${node.name} offers ${count} GPUs`, async () => {
    const { status } = await cluster.get('node', node.name);
    return Number(status.allocatable[GPU] ?? 0) === count;
  });

/** Waits until every classifier's container was made: then it was given what it asks for. */
const untilPlaced = (placing: Placing, count: number) =>
  untilHeld(
    `${count} classifiers are placed, and their containers made`,
    async () => {
      const pods = await classifiers(placing);
      if (pods.length !== count) return false;
      return areMade(placing, pods);
    },
    {
      why: async () =>
        (await classifiers(placing))
          .map(({ metadata, spec, status }) =>
            [metadata.name, spec.nodeName, JSON.stringify(status.containerStatuses?.[0]?.state)].join(' '),
          )
          .join('; '),
    },
  );

/** NVIDIA_VISIBLE_DEVICES as the runtime has it for a pod's container, whether that still runs or not; null: there is none. */
async function visibleTo({ node }: Placing, { metadata }: KubernetesObject): Promise<string[] | null> {
  const of = { 'io.kubernetes.pod.uid': metadata.uid, 'io.kubernetes.container.name': 'classifier' };
  const filter = Object.entries(of).map(([label, value]) => `labels."${label}"=="${value}"`);
  const ids = (await node.ctr(['containers', 'list', '--quiet', filter.join()])).split('\n').filter(Boolean);
  for (const id of ids) {
    const { Spec } = JSON.parse(await node.ctr(['containers', 'info', id])) as KubernetesObject;
    const found = (Spec.process.env as string[]).find((each) => each.startsWith('NVIDIA_VISIBLE_DEVICES='));
    if (found) return found.slice(found.indexOf('=') + 1).split(',');
  }
  return null;
}

/** Whether the containers of all of these were made. */
const areMade = async (placing: Placing, pods: readonly KubernetesObject[]): Promise<boolean> =>
  (await Promise.all(pods.map((pod) => visibleTo(placing, pod)))).every((each) => each !== null);

/** All that the values say of a placed classifier. @returns the devices' names. @throws Error with what is not so. */
async function checkGiven(placing: Placing, { given }: Devices): Promise<string[]> {
  const { node } = placing;
  const names: string[] = [];
  for (const pod of await classifiers(placing)) {
    const { metadata, spec } = pod;
    const wrong = (what: string) => new Error(`${metadata.name}: ${what}`);
    if (spec.nodeName !== node.name) throw wrong(`placed on ${spec.nodeName}, not on ${node.name}`);
    if (spec.runtimeClassName !== RUNTIME_CLASS.metadata.name)
      throw wrong(`its RuntimeClass is ${spec.runtimeClassName}`);
    if (!spec.tolerations.some(({ key }: KubernetesObject) => key === GPU))
      throw wrong('it tolerates no taint of GPU nodes');
    const visible = (await visibleTo(placing, pod)) ?? [];
    if (visible.length !== devicesAsked(pod))
      throw wrong(`sees ${visible.join() || 'no device'}, and asks for ${devicesAsked(pod)}`);
    names.push(...visible);
  }
  if (new Set(names).size !== names.length) throw new Error(`one device for two: ${names.join()}`);
  const allocated = new Set(given.flat());
  const stranger = names.find((name) => !allocated.has(name));
  if (stranger !== undefined) throw new Error(`${stranger} was given by no kubelet`);
  return names;
}

/** Where the new pod has to have the device of the old one, which therefore goes first. */
async function rollOnOne(placing: Placing, deploy: string): Promise<void> {
  const { cluster, release } = placing;
  const before = new Set((await classifiers(placing)).map(({ metadata }) => metadata.uid));
  await cluster.kubectl('-n', release.namespace, 'rollout', 'restart', deploy);
  await untilHeld('the classifier’s new pod has the old one’s GPU', async () => {
    const pods = await classifiers(placing);
    if (pods.some(({ metadata }) => before.has(metadata.uid))) return false;
    return pods.length === before.size && areMade(placing, pods);
  });
}
