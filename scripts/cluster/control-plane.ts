/** What runs a cluster: etcd, the API server, the controller manager, the scheduler, on the first node. */
import { join } from 'node:path';
import type { Box } from '../engine/box.ts';
import type { ClusterPrograms } from '../parts/cluster.ts';
import { API, API_SERVICE, nodeAddress, SERVICE_RANGE } from './addresses.ts';
import { type Authority, writeKubeconfig } from './certificates.ts';
import { type Server, startServer, tell, untilHolds } from './inside.ts';

export interface ControlPlane {
  readonly servers: readonly Server[];
  /** Of an administrator. */
  readonly kubeconfig: string;
}

const ETCD = 'http://127.0.0.1:2379';

const apiServerArgs = (authority: Authority, files: Readonly<Record<string, string>>): string[] =>
  Object.entries({
    'etcd-servers': ETCD,
    'advertise-address': nodeAddress(1),
    'secure-port': '6443',
    'service-cluster-ip-range': SERVICE_RANGE,
    'authorization-mode': 'Node,RBAC',
    'enable-admission-plugins': 'NodeRestriction',
    // What add-ons/platform.yaml is made of.
    'feature-gates': 'MutatingAdmissionPolicy=true',
    'runtime-config': 'admissionregistration.k8s.io/v1beta1=true',
    'client-ca-file': authority.certificate,
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-key-file': authority.tokens.publicKey,
    'service-account-signing-key-file': authority.tokens.key,
    'kubelet-preferred-address-types': 'InternalIP',
    'kubelet-certificate-authority': authority.certificate,
    // What stands in front of other API servers: metrics.
    'requestheader-client-ca-file': authority.certificate,
    'requestheader-allowed-names': 'front-proxy',
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-username-headers': 'X-Remote-User',
    ...files,
  }).map(([name, value]) => `--${name}=${value}`);

export async function startControlPlane(
  box: Box,
  authority: Authority,
  programs: ClusterPrograms,
): Promise<ControlPlane> {
  const at = (name: string) => join(box.folder, name);
  const etcd = startServer(box, 'etcd', programs.etcd, [
    ...['--data-dir', at('etcd'), '--unsafe-no-fsync'],
    ...['--listen-client-urls', ETCD, '--advertise-client-urls', ETCD],
    ...['--listen-peer-urls', 'http://127.0.0.1:2380'],
  ]);
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const [serving, admin, frontProxy, manager, scheduler] = await Promise.all([
    authority.issue('api-server', '/CN=kube-apiserver', [
      ...['127.0.0.1', nodeAddress(1), API_SERVICE].map((address) => `IP:${address}`),
      ...names.map((name) => `DNS:${name}`),
    ]),
    authority.issue('admin', '/O=system:masters/CN=admin'),
    authority.issue('front-proxy', '/CN=front-proxy'),
    authority.issue('controller-manager', '/CN=system:kube-controller-manager'),
    authority.issue('scheduler', '/CN=system:kube-scheduler'),
  ]);
  const apiServer = startServer(
    box,
    'kube-apiserver',
    programs['kube-apiserver'],
    apiServerArgs(authority, {
      'tls-cert-file': serving.certificate,
      'tls-private-key-file': serving.key,
      'kubelet-client-certificate': admin.certificate,
      'kubelet-client-key': admin.key,
      'proxy-client-cert-file': frontProxy.certificate,
      'proxy-client-key-file': frontProxy.key,
    }),
  );
  const config = (name: string, user: typeof admin) =>
    writeKubeconfig(at(`${name}.kubeconfig`), API, authority.certificate, user);
  const kubeconfig = config('admin', admin);
  const isReady = async () =>
    (await tell(box, programs.kubectl, ['--kubeconfig', kubeconfig, 'get', '--raw', '/readyz'])).code === 0;
  await untilHolds('the API server is ready', isReady, { ms: 120_000, servers: [etcd, apiServer] });
  const controllerManager = startServer(box, 'kube-controller-manager', programs['kube-controller-manager'], [
    ...[`--kubeconfig=${config('controller-manager', manager)}`, '--leader-elect=false'],
    ...[
      `--service-account-private-key-file=${authority.tokens.key}`,
      `--root-ca-file=${authority.certificate}`,
    ],
    ...['--use-service-account-credentials', `--cluster-signing-cert-file=${authority.certificate}`],
    `--cluster-signing-key-file=${authority.key}`,
  ]);
  const schedulerServer = startServer(box, 'kube-scheduler', programs['kube-scheduler'], [
    ...[`--kubeconfig=${config('scheduler', scheduler)}`, '--leader-elect=false'],
  ]);
  return { servers: [etcd, apiServer, controllerManager, schedulerServer], kubeconfig };
}
