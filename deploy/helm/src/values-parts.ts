/** Shapes that several parts of the chart's values share. */
import { z } from 'zod';

export const text = (what: string) => z.string().describe(what);
export const flag = (what: string) => z.boolean().describe(what);
export const count = (what: string, least = 0) => z.int().min(least).describe(what);

/** A part of Kubernetes' own API, which its own schema judges when manifests are checked. */
export const kubernetes = (what: string) => z.record(z.string(), z.unknown()).describe(what);
export const kubernetesList = (what: string) => z.array(z.record(z.string(), z.unknown())).describe(what);
export const strings = (what: string) => z.record(z.string(), z.string()).describe(what);

const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
/** Name of an object that exists already, or empty. */
export const objectName = (what: string) =>
  z
    .string()
    .regex(new RegExp(`^$|${NAME.source}`))
    .describe(what);
/** Address of a folder of pages, or empty. */
export const webFolder = (what: string) =>
  z
    .string()
    .regex(/^$|^https?:\/\/[^\s"\\]*[^\s"\\/]$/)
    .describe(`${what}; without a slash at its end`);
export const existing = (what: string) => z.string().regex(NAME).describe(what);

const quantity = z.union([
  z.string().regex(/^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/),
  z.number().min(0),
]);
export const size = (what: string) =>
  z
    .string()
    .regex(/^[0-9]+(k|Ki|M|Mi|G|Gi|T|Ti)?$/)
    .describe(what);

const cpu = quantity.describe('Cores, or thousandths with m');
const memory = quantity.describe('Bytes');
/** Limits stand by default: a container without them could take its neighbours' share. */
export const resources = z.strictObject({
  requests: z.object({ cpu, memory }).catchall(quantity).describe('What is reserved on a node'),
  limits: z
    .object({ cpu: cpu.optional(), memory })
    .catchall(quantity)
    .describe('What it may use at most; cpu: null takes that limit away'),
});

export const image = (repository: string) =>
  z.strictObject({
    repository: text(repository),
    tag: text('Empty: the chart’s appVersion'),
    digest: z
      .string()
      .regex(/^$|^sha256:[0-9a-f]{64}$/)
      .describe('sha256:…, in place of a tag'),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
  });

/** Where pods may run. */
export const placement = {
  nodeSelector: strings('Labels that a node must have'),
  tolerations: kubernetesList('Kubernetes’ tolerations'),
};

/** What can be said of the pods of a Deployment. */
export const pods = {
  env: strings('Further environment variables, not secret'),
  extraEnv: kubernetesList(
    'Kubernetes’ env: variables from anywhere, `fieldRef: status.hostIP` for instance',
  ),
  envFrom: kubernetesList('Kubernetes’ envFrom'),
  annotations: strings('Of the Deployment'),
  podLabels: strings('Further labels'),
  podAnnotations: strings('Further annotations'),
  ...placement,
  affinity: kubernetes('Kubernetes’ affinity'),
  priorityClassName: text('Kubernetes’ priority class'),
  dnsConfig: kubernetes('Kubernetes’ dnsConfig'),
  hostAliases: kubernetesList('Kubernetes’ hostAliases'),
  probes: z
    .strictObject({
      startup: kubernetes('Of the startup probe'),
      liveness: kubernetes('Of the liveness probe'),
      readiness: kubernetes('Of the readiness probe'),
    })
    .describe('Over the probes’ own fields: { failureThreshold: 10 }'),
  initContainers: kubernetesList('Kubernetes’ containers that run before; the chart adds nothing to them'),
  sidecars: kubernetesList('Kubernetes’ containers beside; the chart adds nothing to them'),
  extraVolumes: kubernetesList('Kubernetes’ volumes'),
  extraVolumeMounts: z
    .array(z.looseObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() }))
    .describe('Kubernetes’ volume mounts'),
};

export const podDisruptionBudget = z.strictObject({
  maxUnavailable: z
    .union([z.int().min(1), z.string().regex(/^[0-9]{1,2}%$/)])
    .describe(
      'Pods that an eviction may take away at once; there is a budget wherever there are two pods or more',
    ),
});

const cidr = z.string().regex(/^[0-9a-fA-F.:]+\/[0-9]{1,3}$/);
/** One side of an arrow. */
export const peer = z.union([
  z.strictObject({
    cidr: cidr.describe('Addresses'),
    except: z.array(cidr).optional().describe('Of these, the ones that are not meant'),
  }),
  z.strictObject({
    namespace: existing('Namespace by name'),
    podLabels: strings('Only pods with these labels').optional(),
  }),
  z.strictObject({
    namespaceLabels: strings('Namespaces with these labels'),
    podLabels: strings('Only pods with these labels').optional(),
  }),
  z.strictObject({ podLabels: strings('Pods of the release’s own namespace with these labels') }),
]);
export const peers = (what: string) => z.array(peer).describe(what);
const port = z.int().min(1).max(65535);
export const ports = z.array(port).min(1).describe('TCP ports');
export const arrows = (what: string) =>
  z.array(z.strictObject({ peers: z.array(peer).min(1), ports })).describe(what);
