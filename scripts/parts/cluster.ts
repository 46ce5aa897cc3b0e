/**
 * What a Kubernetes cluster is made of: Kubernetes' own programs, CoreDNS and an engine of network policies,
 * built by Go from their modules at the versions of `scripts/cluster/programs/…/go.mod`; etcd, containerd, runc and CNI
 * plugins from the system's packages.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { requirePrivileges } from '../engine/privileges.ts';
import { findProgram, systemPart } from './debian.ts';
import { goProgram } from './helm.ts';
import { CACHE, ensure, hashOf, ROOT, readText, run } from './lib.ts';

export const SOURCES = 'scripts/cluster/programs';
const BIN = join(CACHE, 'cluster', 'bin');

/** Programs that are built, by the folder with their go.mod. */
const BUILT = {
  pause: { pause: '.' },
  coredns: { coredns: '.' },
  kubernetes: {
    'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
    'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
    'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
    kubelet: 'k8s.io/kubernetes/cmd/kubelet',
    'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
    kubectl: 'k8s.io/kubernetes/cmd/kubectl',
    // In one module with the others, at their versions of what they share: compiled once.
    policies: './policies',
  },
  // By newer libraries than the cluster's own: apart.
  metrics: { 'metrics-server': 'sigs.k8s.io/metrics-server/cmd/metrics-server' },
  contour: { contour: 'github.com/projectcontour/contour/cmd/contour' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

type Source = keyof typeof BUILT;
/** What every cluster is made of; the rest is added where it is asked for. */
const BASE = ['pause', 'coredns', 'kubernetes'] as const satisfies readonly Source[];
type KeysOfEach<T> = T extends unknown ? keyof T : never;
export type BuiltProgram = KeysOfEach<(typeof BUILT)[(typeof BASE)[number]]> & string;

/** Programs of the system's packages. */
const SYSTEM = {
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  etcd: 'etcd-server',
  iptables: 'iptables',
  ip: 'iproute2',
  openssl: 'openssl',
  nsenter: 'util-linux',
} as const;
export type SystemProgram = keyof typeof SYSTEM;

/** Full paths of programs by name. */
export type ClusterPrograms = Readonly<Record<BuiltProgram | SystemProgram, string>> & {
  /** The folder of CNI plugins. */
  readonly networkPlugins: string;
};

/** Packages of Debian and of others put them there. */
const PLUGIN_FOLDERS = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];
const findPlugins = () => PLUGIN_FOLDERS.find((folder) => existsSync(join(folder, 'ptp'))) ?? null;

/** What Kubernetes' programs say of themselves; the version stands in go.mod. */
function kubernetesFlags(goMod: string): string {
  const version = /^\s*k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\d+)/m.exec(goMod);
  if (!version) throw new Error(`${SOURCES}/kubernetes/go.mod does not require k8s.io/kubernetes`);
  const told = {
    gitVersion: version[1],
    gitMajor: version[2],
    gitMinor: version[3],
    gitTreeState: 'clean',
    buildDate: '2026-01-01T00:00:00Z',
  };
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .flatMap((place) => Object.entries(told).map(([name, value]) => `-X ${place}.${name}=${value}`))
    .join(' ');
}

async function build(source: Source): Promise<void> {
  const folder = join(SOURCES, source);
  const goMod = readText(`${folder}/go.mod`);
  const texts = ['go.sum', 'main.go', 'policies/main.go'].filter((name) =>
    existsSync(join(ROOT, folder, name)),
  );
  const programs: Readonly<Record<string, string>> = BUILT[source];
  const last = Object.keys(programs).at(-1)!;
  const stamp = hashOf(
    goMod,
    ...texts.map((name) => readText(`${folder}/${name}`)),
    JSON.stringify(programs),
  );
  await ensure(`cluster-${source}`, stamp, join(BIN, last), async () => {
    const go = goProgram('A Kubernetes cluster is built');
    mkdirSync(BIN, { recursive: true });
    const flags = `-s -w ${source === 'kubernetes' ? kubernetesFlags(goMod) : ''}`;
    const one = Object.values(programs).length === 1;
    // Verbose: it names each package as it comes to it. Minutes of both cores: others go first.
    const args = [
      'build',
      '-v',
      '-trimpath',
      '-ldflags',
      flags.trim(),
      '-o',
      one ? join(BIN, last) : `${BIN}/`,
    ];
    await run(
      `building ${Object.keys(programs).join(', ')}`,
      'nice',
      ['-n', '10', go, ...args, ...Object.values(programs)],
      {
        cwd: join(ROOT, folder),
        env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false' },
      },
    );
  });
}

/** Installs and builds what is missing: some ten minutes the first time. @throws Error that says what can't be had. */
export async function setupCluster(): Promise<ClusterPrograms> {
  requirePrivileges('A cluster');
  const packages = [...new Set([...Object.values(SYSTEM), 'containernetworking-plugins'])];
  const missing = () => (Object.keys(SYSTEM).some((name) => !findProgram(name)) ? null : findPlugins());
  const networkPlugins = await systemPart('what a cluster’s nodes run on', missing, packages);
  for (const source of BASE) await build(source);
  const built = BASE.flatMap((source) => Object.keys(BUILT[source]));
  return {
    ...Object.fromEntries(built.map((name) => [name, join(BIN, name)])),
    ...Object.fromEntries(Object.keys(SYSTEM).map((name) => [name, findProgram(name)!])),
    networkPlugins,
  } as ClusterPrograms;
}

/** Builds one that a cluster is not made of: minutes the first time. @returns its path. */
export async function buildProgram(source: 'contour' | 'metrics'): Promise<string> {
  await build(source);
  return join(BIN, Object.keys(BUILT[source])[0]!);
}

/** Builds what tells autoscalers how much pods use. @returns its path. */
export const setupMetricsServer = (): Promise<string> => buildProgram('metrics');
