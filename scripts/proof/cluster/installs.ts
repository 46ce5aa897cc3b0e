/** Every ready-made values file, installed as it is but for what this machine has not: GPUs, the models, several CPUs. */

import { join } from 'node:path';
import { CHART } from '../../../deploy/helm/src/files.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { REDIS_IMAGE } from '../../cluster/images.ts';
import { install, prepareNamespace } from '../../cluster/release.ts';
import { valuesFiles } from '../../deploy/chart.ts';
import { ROOT } from '../../parts/lib.ts';
import { PLAIN_REDIS, REDIS_PASSWORD } from './neighbours.ts';

export interface InstallResult {
  readonly values: string;
  /** Until its pods were ready, s. */
  readonly seconds: number;
  readonly error: string | null;
}

export const small = (memory: string) => ({
  requests: { cpu: '20m', memory: '64Mi' },
  limits: { cpu: '2', memory },
});

/** What stands in for what the files expect to be there. */
const HERE = {
  controller: { resources: small('512Mi') },
  classifier: { kind: 'router-server', resources: small('1Gi'), tolerations: [] },
  redis: { image: REDIS_IMAGE },
  // OpenShift's DNS is elsewhere.
  networkPolicy: {
    dns: { peers: [{ namespace: 'kube-system', podLabels: { 'k8s-app': 'kube-dns' } }], ports: [53] },
  },
};

/** More of the kind, by file. */
const MORE: Readonly<Record<string, object>> = {
  hybrid: { config: { redis: { url: PLAIN_REDIS } } },
};

/** OpenShift's platform says which user pods run as. */
export const LABELS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  openshift: { 'llm-router.test/user-ids': 'platform' },
};

/** Those that the files name. @param authority of the Redis over TLS, PEM. */
export const secretsOf = (authority: string) => ({
  'llm-router-redis': { password: REDIS_PASSWORD, 'ca.crt': authority },
  'llm-router-admin': { token: 'admin-token-of-the-proof-0123456789' },
});

/**
 * Installs each, runs `helm test`, and takes it away again.
 *
 * @param authority of the Redis over TLS, PEM.
 */
export async function installAll(
  cluster: Cluster,
  authority: string,
  told: (result: InstallResult) => void,
): Promise<InstallResult[]> {
  const secrets = secretsOf(authority);
  const results: InstallResult[] = [];
  for (const [values, file] of valuesFiles(join(ROOT, CHART))) {
    const namespace = `values-${values}`;
    const begun = Date.now();
    let seconds = 0;
    let error: string | null = null;
    try {
      await prepareNamespace(cluster, namespace, { secrets, labels: LABELS[values] ?? {} });
      const release = await install(cluster, {
        name: 'router',
        namespace,
        files: [file],
        over: { ...HERE, ...MORE[values] },
      });
      seconds = (Date.now() - begun) / 1_000;
      await release.test();
      await release.uninstall();
    } catch (failure) {
      error = (failure as Error).message;
    }
    await cluster.kubectl('delete', 'namespace', namespace, '--wait=false');
    const result = { values, seconds, error };
    told(result);
    results.push(result);
  }
  return results;
}
