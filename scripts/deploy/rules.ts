/**
 * Rules that manifests keep and no schema knows. Each rule gets all objects of a release and tells what breaks it; a rule is
 * proven by a test that breaks it.
 */
import type { Manifest } from './chart.ts';

export type Rule = (manifests: readonly Manifest[]) => string[];

interface Workload {
  readonly name: string;
  readonly manifest: Manifest;
  // biome-ignore lint/suspicious/noExplicitAny: a pod's spec, which the schemas judge.
  readonly pod: any;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whatever makes pods, with its pod template. */
export function workloads(manifests: readonly Manifest[]): Workload[] {
  return manifests.flatMap((manifest) => {
    const name = `${manifest.kind} ${manifest.metadata.name}`;
    if (manifest.kind === 'Pod')
      return [{ name, manifest, pod: manifest.spec, labels: manifest.metadata.labels ?? {} }];
    const template = manifest.spec?.template;
    if (!template?.spec?.containers) return [];
    return [{ name, manifest, pod: template.spec, labels: template.metadata?.labels ?? {} }];
  });
}

// biome-ignore lint/suspicious/noExplicitAny: a container, which the schemas judge.
type Container = any;

export const containers = ({ pod, name }: Workload): { where: string; container: Container }[] =>
  [...(pod.initContainers ?? []), ...pod.containers].map((container) => ({
    where: `${name}, container ${container.name}`,
    container,
  }));

const everyContainer = (manifests: readonly Manifest[]) => workloads(manifests).flatMap(containers);

/** True when a selector takes what has these labels. */
export const selects = (
  wanted: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>>,
) => Object.entries(wanted ?? {}).every(([key, value]) => labels[key] === value);

const limits: Rule = (manifests) =>
  everyContainer(manifests).flatMap(({ where, container }) =>
    (['requests', 'limits'] as const).flatMap((kind) =>
      ['cpu', 'memory']
        .filter((what) => container.resources?.[kind]?.[what] === undefined)
        .map((what) => `${where}: no ${kind} of ${what}`),
    ),
  );

/** Volumes that the restricted Pod Security Standard lets pods have. */
const RESTRICTED_VOLUMES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

/** Kubernetes' restricted Pod Security Standard, and a read-only root. */
const restricted: Rule = (manifests) => {
  const problems: string[] = [];
  for (const workload of workloads(manifests)) {
    const { pod, name } = workload;
    if (pod.securityContext?.runAsNonRoot !== true) problems.push(`${name}: runAsNonRoot is not true`);
    if (pod.securityContext?.runAsUser === 0) problems.push(`${name}: runs as root`);
    if (pod.securityContext?.seccompProfile?.type !== 'RuntimeDefault')
      problems.push(`${name}: seccompProfile is not RuntimeDefault`);
    for (const key of ['hostNetwork', 'hostPID', 'hostIPC'])
      if (pod[key]) problems.push(`${name}: ${key} is on`);
    if (pod.automountServiceAccountToken !== false)
      problems.push(`${name}: mounts a service account's token`);
    for (const { name: volume, ...source } of pod.volumes ?? [])
      for (const kind of Object.keys(source))
        if (!RESTRICTED_VOLUMES.has(kind)) problems.push(`${name}: volume ${volume} is a ${kind}`);
    for (const { where, container } of containers(workload)) {
      const security = container.securityContext ?? {};
      if (security.allowPrivilegeEscalation !== false)
        problems.push(`${where}: allowPrivilegeEscalation is not false`);
      if (security.readOnlyRootFilesystem !== true)
        problems.push(`${where}: readOnlyRootFilesystem is not true`);
      if (security.privileged) problems.push(`${where}: privileged`);
      if (security.runAsUser === 0 || security.runAsNonRoot === false)
        problems.push(`${where}: runs as root`);
      if (JSON.stringify(security.capabilities) !== '{"drop":["ALL"]}')
        problems.push(`${where}: keeps capabilities`);
      if ((container.ports ?? []).some((port: { hostPort?: number }) => port.hostPort !== undefined))
        problems.push(`${where}: takes a port of the node`);
    }
  }
  for (const manifest of manifests)
    if (manifest.kind === 'ServiceAccount' && manifest.automountServiceAccountToken !== false)
      problems.push(`ServiceAccount ${manifest.metadata.name}: hands out its token`);
  return problems;
};

/** Pods that a Deployment has at least. */
function fewest(manifest: Manifest, manifests: readonly Manifest[]): number {
  const scaler = manifests.find(
    ({ kind, spec }) =>
      kind === 'HorizontalPodAutoscaler' && spec.scaleTargetRef.name === manifest.metadata.name,
  );
  return scaler ? scaler.spec.minReplicas : (manifest.spec.replicas ?? 1);
}

const disruption: Rule = (manifests) =>
  workloads(manifests).flatMap(({ name, manifest, pod, labels }) => {
    if (manifest.kind !== 'Deployment') return [];
    const problems: string[] = [];
    const budget = manifests.some(
      ({ kind, spec }) => kind === 'PodDisruptionBudget' && selects(spec.selector.matchLabels, labels),
    );
    const several = fewest(manifest, manifests) > 1;
    if (several && !budget) problems.push(`${name}: several pods without a PodDisruptionBudget`);
    if (!several && budget) problems.push(`${name}: a PodDisruptionBudget for one pod holds up every drain`);
    const spread = (pod.topologySpreadConstraints ?? []).filter(
      (each: { labelSelector?: { matchLabels?: Record<string, string> } }) =>
        selects(each.labelSelector?.matchLabels, labels),
    );
    if (several && spread.length === 0) problems.push(`${name}: several pods, spread over nothing`);
    return problems;
  });

/** A HorizontalPodAutoscaler has a target, and nobody else sets its number of pods. */
const scaling: Rule = (manifests) =>
  manifests
    .filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
    .flatMap(({ metadata, spec }) => {
      const { kind, name } = spec.scaleTargetRef;
      const target = manifests.find((each) => each.kind === kind && each.metadata.name === name);
      if (!target) return [`HorizontalPodAutoscaler ${metadata.name}: no ${kind} ${name}`];
      return target.spec.replicas === undefined
        ? []
        : [`${kind} ${name}: sets replicas, which a HorizontalPodAutoscaler does as well`];
    });

const selectors: Rule = (manifests) => {
  const all = workloads(manifests);
  const problems: string[] = [];
  for (const { name, manifest, labels } of all)
    if (manifest.spec.selector && !selects(manifest.spec.selector.matchLabels, labels))
      problems.push(`${name}: its selector does not take its own pods`);
  for (const { kind, metadata, spec } of manifests) {
    const where = `${kind} ${metadata.name}`;
    if (kind === 'Service') {
      const behind = all.filter(({ labels }) => selects(spec.selector, labels));
      if (behind.length !== 1) problems.push(`${where}: selects ${behind.length} workloads, not one`);
      for (const port of spec.ports) {
        const known = behind.flatMap(containers).flatMap(({ container }) => container.ports ?? []);
        if (!known.some((each) => each.name === port.targetPort || each.containerPort === port.targetPort))
          problems.push(`${where}: no container port ${port.targetPort}`);
      }
    }
    if (
      kind === 'PodDisruptionBudget' &&
      !all.some(({ labels }) => selects(spec.selector.matchLabels, labels))
    )
      problems.push(`${where}: selects nothing`);
    if (kind === 'ServiceMonitor') {
      const services = manifests.filter(
        (each) => each.kind === 'Service' && selects(spec.selector.matchLabels, each.metadata.labels ?? {}),
      );
      for (const { port } of spec.endpoints)
        if (
          !services.some(({ spec: service }) =>
            service.ports.some((each: { name: string }) => each.name === port),
          )
        )
          problems.push(`${where}: no Service has a port ${port}`);
    }
  }
  return problems;
};

const probes: Rule = (manifests) =>
  workloads(manifests)
    .filter(({ manifest }) => manifest.kind !== 'Pod')
    .flatMap(({ name, pod }) =>
      pod.containers.flatMap((container: Container) =>
        ['startupProbe', 'livenessProbe', 'readinessProbe']
          .filter((probe) => !container[probe])
          .map((probe) => `${name}, container ${container.name}: no ${probe}`),
      ),
    );

const images: Rule = (manifests) =>
  everyContainer(manifests)
    .filter(
      ({ container }) =>
        !/(:[^/:@]+|@sha256:[0-9a-f]{64})$/.test(container.image) || /:latest$/.test(container.image),
    )
    .map(({ where, container }) => `${where}: image ${container.image} has no fixed version`);

/** Every mount has its volume, and every name of an object that the release makes itself is right. */
const references: Rule = (manifests) => {
  const there = (kind: string, name: string) =>
    manifests.some((each) => each.kind === kind && each.metadata.name === name);
  return workloads(manifests).flatMap((workload) => {
    const { name, pod, manifest } = workload;
    const claims = (manifest.spec.volumeClaimTemplates ?? []).map((each: Manifest) => each.metadata.name);
    const volumes = [...(pod.volumes ?? []).map((each: { name: string }) => each.name), ...claims];
    const unmounted = containers(workload).flatMap(({ where, container }) =>
      (container.volumeMounts ?? [])
        .filter((mount: { name: string }) => !volumes.includes(mount.name))
        .map((mount: { name: string }) => `${where}: mounts ${mount.name}, which is no volume`),
    );
    const missing = (pod.volumes ?? [])
      .filter(
        (volume: { configMap?: { name: string } }) =>
          volume.configMap && !there('ConfigMap', volume.configMap.name),
      )
      .map(
        (volume: { name: string }) => `${name}: volume ${volume.name} is of a ConfigMap that is not there`,
      );
    const account =
      there('ServiceAccount', pod.serviceAccountName) ||
      !manifests.some(({ kind }) => kind === 'ServiceAccount');
    return [
      ...unmounted,
      ...missing,
      ...(account ? [] : [`${name}: no ServiceAccount ${pod.serviceAccountName}`]),
    ];
  });
};

/** One policy denies all for every pod, and no pod is without a policy that says what it may. */
const network: Rule = (manifests) => {
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy');
  return workloads(manifests).flatMap(({ name, labels }) => {
    const own = policies.filter(({ spec }) => selects(spec.podSelector.matchLabels, labels));
    const closed = own.some(
      ({ spec }) =>
        !spec.ingress &&
        !spec.egress &&
        spec.policyTypes.includes('Ingress') &&
        spec.policyTypes.includes('Egress'),
    );
    return [
      ...(closed ? [] : [`${name}: no NetworkPolicy denies it everything`]),
      ...(own.length > 1 ? [] : [`${name}: no NetworkPolicy says what it may`]),
    ];
  });
};

/** Names and sizes that the API server would refuse or etcd could not hold. */
const bounds: Rule = (manifests) =>
  manifests.flatMap((manifest) => {
    const where = `${manifest.kind} ${manifest.metadata.name}`;
    const size = Buffer.byteLength(JSON.stringify(manifest.data ?? {}));
    return [
      ...(manifest.metadata.name.length > 63 ? [`${where}: name is over 63 characters`] : []),
      ...(size > 900 * 1024 ? [`${where}: ${size} bytes, near the limit of 1 MiB`] : []),
      ...(manifest.metadata.namespace === undefined ? [`${where}: names no namespace`] : []),
    ];
  });

export const RULES: Readonly<Record<string, Rule>> = {
  limits,
  restricted,
  disruption,
  scaling,
  selectors,
  probes,
  images,
  references,
  network,
  bounds,
};

/** All rules on one release. */
export const ruleProblems = (manifests: readonly Manifest[]): string[] =>
  Object.values(RULES).flatMap((rule) => rule(manifests));
