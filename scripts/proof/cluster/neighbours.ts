/** What the ready-made values expect to find in a cluster: definitions of custom resources, a Redis of the user's own, a platform. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../../cluster/cluster.ts';
import { REDIS_IMAGE } from '../../cluster/images.ts';
import { CRDS, setupDeployTools } from '../../parts/deploy-tools.ts';
import { ROOT } from '../../parts/lib.ts';

const ROUTE = 'scripts/deploy/definitions/openshift-route.yaml';
const NAMESPACE = 'data';
/** Of `llm-router` over TLS, and of the default user without. */
export const REDIS_PASSWORD = 'of-the-proof';
/** A Redis without TLS, as hybrid.yaml asks for one. */
export const PLAIN_REDIS = `redis://redis-plain.${NAMESPACE}:6379/0`;

/** @returns the authority of the Redis over TLS, PEM. */
export async function startNeighbours(cluster: Cluster): Promise<string> {
  await setupDeployTools();
  const definitions = [...readdirSync(CRDS).map((name) => join(CRDS, name)), join(ROOT, ROUTE)];
  for (const file of definitions) await cluster.apply(readFileSync(file, 'utf8'));
  await cluster.addPlatform();
  const { certificate, key } = await cluster.issue('redis', '/CN=redis', [`DNS:redis.${NAMESPACE}`]);
  const tls = ['--port', '0', '--tls-port', '6379', '--tls-auth-clients', 'no'];
  const files = { '--tls-cert-file': 'tls.crt', '--tls-key-file': 'tls.key', '--tls-ca-cert-file': 'ca.crt' };
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'redis-tls', namespace: NAMESPACE },
      stringData: {
        'tls.crt': readFileSync(certificate, 'utf8'),
        'tls.key': readFileSync(key, 'utf8'),
        'ca.crt': cluster.authority,
      },
    },
    ...redis('redis', [
      ...tls,
      ...Object.entries(files).flatMap(([flag, name]) => [flag, `/tls/${name}`]),
      ...['--user', 'llm-router', 'on', `>${REDIS_PASSWORD}`, '~*', '&*', '+@all'],
    ]),
    ...redis('redis-plain', ['--requirepass', REDIS_PASSWORD]),
  ];
  await cluster.apply(objects.map((each) => JSON.stringify(each)).join('\n---\n'));
  for (const name of ['redis', 'redis-plain'])
    await cluster.kubectl('-n', NAMESPACE, 'rollout', 'status', `deploy/${name}`, '--timeout=90s');
  return cluster.authority;
}

function redis(name: string, args: readonly string[]): object[] {
  const labels = { 'app.kubernetes.io/name': name };
  const metadata = { name, namespace: NAMESPACE };
  const { repository, tag, pullPolicy } = REDIS_IMAGE;
  const container = {
    name: 'redis',
    image: `${repository}:${tag}`,
    imagePullPolicy: pullPolicy,
    command: ['redis-server', '--save', '', ...args],
    volumeMounts: [{ name: 'tls', mountPath: '/tls', readOnly: true }],
  };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [container], volumes: [{ name: 'tls', secret: { secretName: 'redis-tls' } }] },
        },
      },
    },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: [{ port: 6379 }] } },
  ];
}
