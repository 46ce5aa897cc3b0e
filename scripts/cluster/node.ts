/** A node: containerd, a kubelet, kube-proxy and what enforces network policies, in a box of its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Box } from '../engine/box.ts';
import type { ClusterPrograms } from '../parts/cluster.ts';
import { API, DNS_SERVICE, nodeAddress, nodeName, POD_RANGE, podRange } from './addresses.ts';
import { type Authority, writeKubeconfig } from './certificates.ts';
import { ask, type Server, startServer, untilHolds } from './inside.ts';
import { divertToPolicies } from './policies.ts';

export interface Node {
  readonly name: string;
  readonly box: Box;
  readonly servers: readonly Server[];
  /** containerd's client: `ctr(['images', 'list'])`. */
  ctr(args: readonly string[]): Promise<string>;
}

/** The image that holds a pod's namespaces. */
export const PAUSE_IMAGE = 'docker.io/library/llm-router-pause:local';

const socketOf = (box: Box) => join(box.folder, 'containerd.sock');

function containerdSettings(box: Box, plugins: string): string {
  const at = (name: string) => JSON.stringify(join(box.folder, name));
  return `version = 2
root = ${at('containerd')}
state = ${at('containerd-state')}
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = ${at('containerd.sock')}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # A root without CAP_SYS_RESOURCE may lower no process' score.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${JSON.stringify(plugins)}
    conf_dir = ${at('cni')}
`;
}

/** Each pod has a wire of its own to its node, so that all its traffic is routed, and policies see it. */
const cniSettings = (box: Box, node: number) => ({
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'ptp',
      ipMasq: false,
      ipam: {
        type: 'host-local',
        dataDir: join(box.folder, 'cni-data'),
        ranges: [[{ subnet: podRange(node) }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
  ],
});

const kubeletSettings = (box: Box, node: number, authority: Authority, serving: string) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  // Kubernetes 1.35 refuses the first version of control groups unless it is told not to.
  failCgroupV1: false,
  cgroupDriver: 'cgroupfs',
  containerRuntimeEndpoint: `unix://${socketOf(box)}`,
  address: nodeAddress(node),
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: authority.certificate },
  },
  authorization: { mode: 'Webhook' },
  tlsCertFile: `${serving}.crt`,
  tlsPrivateKeyFile: `${serving}.key`,
  clusterDNS: [DNS_SERVICE],
  clusterDomain: 'cluster.local',
  resolvConf: join(box.folder, 'no-resolver'),
  failSwapOn: false,
  // Mounted ConfigMaps and Secrets follow within seconds, not within a minute or two.
  syncFrequency: '5s',
  evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  podLogsDir: join(box.folder, 'pod-logs'),
});

const proxySettings = (node: number, kubeconfig: string) => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  mode: 'iptables',
  clientConnection: { kubeconfig },
  clusterCIDR: POD_RANGE,
  hostnameOverride: nodeName(node),
  // Settings of the whole machine are left alone.
  conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
});

/** Starts containerd; images can be loaded from then on. */
export async function startRuntime(box: Box, node: number, programs: ClusterPrograms): Promise<Node> {
  const at = (name: string) => join(box.folder, name);
  for (const folder of ['cni', 'kubelet', 'pod-logs']) mkdirSync(at(folder));
  writeFileSync(at('containerd.toml'), containerdSettings(box, programs.networkPlugins));
  writeFileSync(join(at('cni'), '10-pods.conflist'), JSON.stringify(cniSettings(box, node)));
  writeFileSync(at('no-resolver'), '');
  const server = startServer(box, 'containerd', programs.containerd, ['--config', at('containerd.toml')]);
  const ctr = (args: readonly string[]) =>
    ask(box, programs.ctr, ['--address', socketOf(box), '--namespace', 'k8s.io', ...args]);
  const answers = () =>
    ctr(['version']).then(
      () => true,
      () => false,
    );
  await untilHolds(`containerd of ${nodeName(node)} answers`, answers, { ms: 60_000, servers: [server] });
  return { name: nodeName(node), box, servers: [server], ctr };
}

/** Joins a node to the cluster, which has to have an API server by now. */
export async function startKubelet(
  runtime: Node,
  node: number,
  authority: Authority,
  programs: ClusterPrograms,
): Promise<Node> {
  const { box } = runtime;
  const at = (name: string) => join(box.folder, name);
  const addresses = [`IP:${nodeAddress(node)}`, `DNS:${nodeName(node)}`];
  const name = `kubelet-${node}`;
  const user = await authority.issue(name, `/O=system:nodes/CN=system:node:${nodeName(node)}`, addresses);
  const proxyUser = await authority.issue(`proxy-${node}`, '/CN=system:kube-proxy');
  const policiesUser = await authority.issue(`policies-${node}`, '/CN=network-policies');
  const config = (file: string, of: typeof user) => writeKubeconfig(at(file), API, authority.certificate, of);
  const kubeconfig = config('kubelet.kubeconfig', user);
  const proxyConfig = config('proxy.kubeconfig', proxyUser);
  const policiesConfig = config('policies.kubeconfig', policiesUser);
  const serving = user.certificate.replace(/\.crt$/, '');
  writeFileSync(at('kubelet.json'), JSON.stringify(kubeletSettings(box, node, authority, serving)));
  writeFileSync(at('proxy.json'), JSON.stringify(proxySettings(node, proxyConfig)));
  await divertToPolicies(box, programs.iptables);
  const kubelet = startServer(box, 'kubelet', programs.kubelet, [
    ...['--config', at('kubelet.json'), '--kubeconfig', kubeconfig, '--root-dir', at('kubelet')],
    ...['--hostname-override', nodeName(node), '--node-ip', nodeAddress(node)],
  ]);
  const proxy = startServer(box, 'kube-proxy', programs['kube-proxy'], ['--config', at('proxy.json')]);
  const policies = startServer(box, 'network-policies', programs.policies, [
    ...['--kubeconfig', policiesConfig, '--node', nodeName(node)],
  ]);
  return { ...runtime, servers: [...runtime.servers, kubelet, proxy, policies] };
}
