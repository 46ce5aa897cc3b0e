/**
 * A real Kubernetes for tests: real programs on one or more nodes, each node in a box (scripts/engine/box.ts), joined by a
 * network that nothing else is on. `stop()` leaves nothing on the machine, and neither does a killed process.
 *
 * ```ts
 * const cluster = await startCluster({ nodes: 2 });
 * try {
 *   await cluster.loadImages([archive]);
 *   await cluster.apply(yaml);
 *   await cluster.kubectl('-n', 'llm', 'rollout', 'status', 'deploy/x', '--timeout=60s');
 * } finally {
 *   await cluster.stop();
 * }
 * ```
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Box, startBox } from '../engine/box.ts';
import { type ClusterPrograms, setupCluster, setupMetricsServer } from '../parts/cluster.ts';
import { MAX_NODES, nodeName } from './addresses.ts';
import { type Authority, makeAuthority } from './certificates.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { writeImageArchive } from './image-archive.ts';
import { ask, type Server, type Told, tell, untilHolds } from './inside.ts';
import { joinNodes } from './network.ts';
import { type Node, PAUSE_IMAGE, startKubelet, startRuntime } from './node.ts';
import { makeVolumes } from './volumes.ts';

export interface ClusterOptions {
  readonly nodes?: number;
  /** Absent: set up first. */
  readonly programs?: ClusterPrograms;
  /** Of its steps; absent: to standard output. */
  readonly say?: (line: string) => void;
}

export interface Cluster {
  readonly nodes: readonly Node[];
  readonly programs: ClusterPrograms;
  /** The first node's box: programs that have to reach the cluster run in it. */
  readonly box: Box;
  /** Of an administrator. */
  readonly kubeconfig: string;
  /** @returns what it wrote. @throws Error with what it said. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** `kubectl get … -o json`, read. */
  get<T = KubernetesObject>(...args: readonly string[]): Promise<T>;
  /** Applies manifests. */
  apply(yaml: string): Promise<string>;
  /** Any program of the first node with the cluster's kubeconfig: helm. */
  run(command: string, args: readonly string[], input?: string): Promise<string>;
  /** The same, whatever its exit code. */
  tell(command: string, args: readonly string[], input?: string): Promise<Told>;
  /** A kubectl that goes on: `logs --follow`, `port-forward`. It ends with the cluster. */
  follow(...args: readonly string[]): ChildProcess;
  /** Lets the platform choose user ids in namespaces labelled `llm-router.test/user-ids: platform`, as OpenShift does. */
  addPlatform(): Promise<void>;
  /** Lets the API server tell what pods use; waits until it does. Autoscalers go by it. */
  addMetrics(): Promise<void>;
  /** The certificate of the cluster's authority, PEM. */
  readonly authority: string;
  /** A certificate by that authority, for a server in the cluster. */
  issue: Authority['issue'];
  /** Image archives, into every node. */
  loadImages(archives: readonly string[]): Promise<void>;
  /** Ends everything and removes all that it was made of. Safe to repeat. */
  stop(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: what the API server answers.
export type KubernetesObject = any;

const ADD_ONS = join(import.meta.dirname, 'add-ons');
const addOn = (name: string) => readFileSync(join(ADD_ONS, `${name}.yaml`), 'utf8');
const READY_MS = 120_000;
/** Kubelets put sockets for plugins there whatever their root is: each node's must be its own. */
const KUBELETS_OWN = ['/var/lib/kubelet'];
const METRICS_IMAGE = 'docker.io/library/llm-router-metrics-server:local';

/** @throws Error that says what is missing, or what did not start and its log. */
export async function startCluster({
  nodes = 1,
  say = console.log,
  programs: given,
}: ClusterOptions = {}): Promise<Cluster> {
  if (nodes < 1 || nodes > MAX_NODES) throw new Error(`a cluster has 1 to ${MAX_NODES} nodes, not ${nodes}`);
  const programs = given ?? (await setupCluster());
  const begun = Date.now();
  const step = (what: string) => say(`  cluster: ${what}, ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  const boxes: Box[] = [];
  const stop = async () => {
    await Promise.all(boxes.map((box) => box.stop()));
  };
  try {
    for (let node = 1; node <= nodes; node++)
      boxes.push(await startBox({ name: nodeName(node), network: 'own', hide: KUBELETS_OWN }));
    await joinNodes(boxes);
    const first = boxes[0]!;
    const authority = await makeAuthority(join(first.folder, 'certificates'));
    const [controlPlane, runtimes] = await Promise.all([
      startControlPlane(first, authority, programs),
      Promise.all(boxes.map((box, index) => startRuntime(box, index + 1, programs))),
    ]);
    step('API server ready');
    const whole = clusterOf(runtimes, controlPlane, { programs, authority, stop });
    await whole.loadImages(await ownImages(first, programs));
    await whole.apply(addOn('policies'));
    const joined = await Promise.all(
      runtimes.map((runtime, index) => startKubelet(runtime, index + 1, authority, programs)),
    );
    const servers = [...controlPlane.servers, ...joined.flatMap((node) => node.servers)];
    await untilNodesAreReady(whole, nodes, servers);
    step(nodes === 1 ? 'node ready' : `${nodes} nodes ready`);
    await whole.apply(`${addOn('dns')}\n---\n${makeVolumes(first)}`);
    await whole.kubectl('-n', 'kube-system', 'rollout', 'status', 'deploy/coredns', '--timeout=90s');
    step('DNS ready');
    return { ...whole, nodes: joined };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Archives of the images that a cluster itself needs. */
async function ownImages(box: Box, programs: ClusterPrograms): Promise<string[]> {
  const folder = join(box.folder, 'images');
  mkdirSync(folder);
  const images = [
    { name: PAUSE_IMAGE, program: programs.pause, user: '65535:65535' },
    { name: 'docker.io/library/llm-router-coredns:local', program: programs.coredns, user: '0:0' },
  ];
  return Promise.all(
    images.map(async (image, index) => {
      const file = join(folder, `${index}.tar`);
      await writeImageArchive(file, image);
      return file;
    }),
  );
}

const untilNodesAreReady = (cluster: Cluster, nodes: number, servers: readonly Server[]) =>
  untilHolds(
    'every node is ready',
    async () => {
      const { items } = await cluster.get('nodes');
      const ready = items.filter(({ status }: KubernetesObject) =>
        status.conditions?.some(
          ({ type, status }: KubernetesObject) => type === 'Ready' && status === 'True',
        ),
      );
      return ready.length === nodes;
    },
    { ms: READY_MS, servers },
  );

function clusterOf(
  nodes: readonly Node[],
  { kubeconfig }: ControlPlane,
  {
    programs,
    authority,
    stop,
  }: { programs: ClusterPrograms; authority: Authority; stop: () => Promise<void> },
): Cluster {
  const { box } = nodes[0]!;
  const env = { KUBECONFIG: kubeconfig, HOME: box.folder };
  const kubectl = (...args: readonly string[]) => ask(box, programs.kubectl, args, { env });
  const apply = (yaml: string) =>
    ask(box, programs.kubectl, ['apply', '--server-side', '-f', '-'], { env, input: yaml });
  const loadImages = async (archives: readonly string[]) => {
    await Promise.all(
      nodes.map(async ({ ctr }) => {
        for (const archive of archives) await ctr(['images', 'import', archive]);
      }),
    );
  };
  return {
    nodes,
    programs,
    box,
    kubeconfig,
    kubectl,
    get: async (...args) => JSON.parse(await kubectl('get', ...args, '-o', 'json')),
    apply,
    run: (command, args, input = '') => ask(box, command, args, { env, input }),
    tell: (command, args, input = '') => tell(box, command, args, { env, input }),
    follow: (...args) =>
      box.spawn(programs.kubectl, args, {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    addPlatform: async () => {
      await apply(addOn('platform'));
    },
    addMetrics: async () => {
      const archive = join(box.folder, 'images', 'metrics.tar');
      const program = await setupMetricsServer();
      await writeImageArchive(archive, { name: METRICS_IMAGE, program, user: '1000:1000' });
      await loadImages([archive]);
      await apply(addOn('metrics'));
      await kubectl('-n', 'kube-system', 'rollout', 'status', 'deploy/metrics-server', '--timeout=120s');
      const tells = () =>
        tell(box, programs.kubectl, ['get', '--raw', '/apis/metrics.k8s.io/v1beta1/nodes'], { env });
      const told = async () => {
        const { code, stdout } = await tells();
        return code === 0 && JSON.parse(stdout).items.length === nodes.length;
      };
      await untilHolds('what every node uses is told', told, { ms: READY_MS });
    },
    authority: readFileSync(authority.certificate, 'utf8'),
    issue: authority.issue,
    loadImages,
    stop,
  };
}
