/** Namespaces and releases of the chart in a cluster: what a user of the chart would do by hand. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHART } from '../../deploy/helm/src/files.ts';
import { setupHelm } from '../parts/helm.ts';
import { ROOT } from '../parts/lib.ts';
import type { Cluster } from './cluster.ts';
import { REDIS_IMAGE } from './images.ts';

/** Where stand-ins of the models are, for the pods of a namespace. */
export const STAND_INS = 'http://stand-in-llms:9000';

/** Stand-ins send a piece of an answer at a time, so that streams and plain answers take seconds: ms between two. */
const DRIP_MS = 60;

export interface NamespaceOptions {
  /** Further Secrets: name → key → value. */
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Makes a namespace in which only pods that Pod Security's `restricted` allows may run, with the Secret of the models' keys that
 * the ready-made values name, and stand-ins of the models.
 */
export async function prepareNamespace(
  cluster: Cluster,
  namespace: string,
  { secrets = {}, labels: more = {} }: NamespaceOptions = {},
): Promise<void> {
  const level = { enforce: 'restricted', warn: 'restricted', audit: 'restricted' };
  const labels = Object.entries(level).map(([mode, value]) => [`pod-security.kubernetes.io/${mode}`, value]);
  const objects = [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { ...Object.fromEntries(labels), ...more } },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'llm-router-upstreams', namespace },
      stringData: { nvidia: 'not-a-real-key', hosted: 'not-a-real-key' },
    },
    ...Object.entries(secrets).map(([name, stringData]) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace },
      stringData,
    })),
  ];
  await cluster.apply(objects.map((each) => JSON.stringify(each)).join('\n---\n'));
  const standIns = readFileSync(join(import.meta.dirname, 'work', 'stand-ins.yaml'), 'utf8');
  await cluster.run(cluster.programs.kubectl, ['-n', namespace, 'apply', '-f', '-'], standIns);
  await cluster.kubectl('-n', namespace, 'rollout', 'status', 'deploy/stand-in-llms', '--timeout=90s');
}

/** Values by which a release runs here: stand-ins for the models, in reach, and requests that a small machine can meet. */
export function valuesHere(replicas: { controller: number; classifier: number }): object {
  const targets = ['llama-70b', 'mixtral-8x22b', 'llama-8b', 'deepseek-r1'].map((name) => ({
    name,
    api_base: STAND_INS,
    model: `${name}#fault=slow-drip:${DRIP_MS}`,
  }));
  return {
    // As long as the chart's own: idle connections that clients still use have ended by then.
    config: { targets, server: { drain_delay_ms: 5_000 } },
    controller: {
      replicas: replicas.controller,
      resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { cpu: '2', memory: '512Mi' } },
    },
    classifier: {
      kind: 'router-server',
      replicas: replicas.classifier,
      resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { cpu: '2', memory: '1Gi' } },
    },
    redis: { image: REDIS_IMAGE },
    networkPolicy: {
      clients: [{ podLabels: { app: 'load' } }],
      upstreams: [{ peers: [{ podLabels: { app: 'stand-in-llms' } }], ports: [9000] }],
    },
  };
}

export interface Release {
  readonly name: string;
  readonly namespace: string;
  /** Begin of its objects' names. */
  readonly fullName: string;
  /** Of the router, as pods of the namespace reach it. */
  readonly url: string;
  /** `helm upgrade --install` with these over all values before, and waits until pods are ready. */
  upgrade(over: object, chart?: string): Promise<void>;
  /** `helm test`. @throws Error with what it said. */
  test(): Promise<string>;
  helm(...args: readonly string[]): Promise<string>;
  uninstall(): Promise<void>;
}

const TIMEOUT = '4m';

/**
 * Installs the chart.
 *
 * @param files values files.
 * @param over values over them.
 * @param chart folder or package; absent: this checkout's.
 * @param wait whether it waits until pods are ready.
 */
export async function install(
  cluster: Cluster,
  {
    name,
    namespace,
    files,
    over,
    chart = join(ROOT, CHART),
    wait = true,
  }: {
    name: string;
    namespace: string;
    files: readonly string[];
    over: object;
    chart?: string | undefined;
    wait?: boolean;
  },
): Promise<Release> {
  const program = await setupHelm();
  const helm = (...args: readonly string[]) => cluster.run(program, ['--namespace', namespace, ...args]);
  const fullName = `${name}-llm-router`;
  const place = (chart: string, values: object) =>
    cluster.run(
      program,
      [
        ...['upgrade', '--install', name, chart, '--namespace', namespace],
        ...(wait ? ['--wait', '--timeout', TIMEOUT] : []),
        ...[...files, '-'].flatMap((file) => ['--values', file]),
      ],
      JSON.stringify(values),
    );
  await place(chart, over);
  return {
    name,
    namespace,
    fullName,
    url: `http://${fullName}:8084`,
    upgrade: async (values, chart = join(ROOT, CHART)) => {
      await place(chart, values);
    },
    test: () => helm('test', name, '--logs', '--timeout', TIMEOUT),
    helm,
    uninstall: async () => {
      await helm('uninstall', name, '--wait', '--timeout', TIMEOUT);
    },
  };
}
