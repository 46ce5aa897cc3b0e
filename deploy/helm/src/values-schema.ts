/**
 * The chart's values: every key with its meaning. `values.schema.json`, which Helm checks values with, and VALUES.md are
 * generated from here; the configuration under `config` is the router's own schema. Defaults stand in values.yaml.
 */
import { z } from 'zod';
import {
  configurationSchema,
  type SchemaNode,
} from '../../../services/router-controller/src/config/json-schema.ts';
import { configSchema } from '../../../services/router-controller/src/config/schema.ts';
import {
  arrows,
  count,
  existing,
  flag,
  image,
  kubernetes,
  kubernetesList,
  objectName,
  peers,
  placement,
  podDisruptionBudget,
  pods,
  ports,
  resources,
  size,
  strings,
  text,
  webFolder,
} from './values-parts.ts';

const seconds = (what: string, least = 0) => count(`${what}, seconds`, least);

const secretsSchema = z.strictObject({
  env: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
      z.strictObject({ secret: existing('Secret'), key: z.string().min(1).describe('Key in it') }),
    )
    .describe(
      'Environment variables for `${NAME}` in the configuration; pods see a new value when they start again',
    ),
  files: z
    .array(existing('Secret'))
    .describe(
      'Secrets whose keys are files for `file:/etc/llm-router/secrets/SECRET/KEY`; a new value is taken up by running pods',
    ),
});

const controllerSchema = z.strictObject({
  image: image('Image of the controller'),
  replicas: count('Pods, without autoscaling', 1),
  autoscaling: z.strictObject({
    enabled: flag('Let a HorizontalPodAutoscaler choose the number of pods'),
    minReplicas: count('Fewest pods', 1),
    maxReplicas: count('Most pods', 1),
    metric: z
      .enum(['cpu', 'in_flight'])
      .describe('cpu; or in_flight, requests being worked on, which wants prometheus-adapter'),
    target: count('Mean over the pods: per cent of the requested CPU, or requests', 1),
  }),
  podDisruptionBudget,
  preStopSeconds: seconds(
    'Out of Services for so long before SIGTERM, so that new connections go elsewhere',
    1,
  ),
  terminationGracePeriodSeconds: seconds(
    'null: preStop, drain_delay_ms and shutdown_grace_ms of config.server, and 5 to close; less is refused',
    1,
  ).nullish(),
  resources,
  service: z.strictObject({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']),
    port: count('Port of the Service', 1),
    annotations: strings('Of the Service'),
    extra: kubernetes('Further fields of its spec: ipFamilyPolicy, loadBalancerClass, …'),
  }),
  strategy: kubernetes('Kubernetes’ strategy of the Deployment'),
  ...pods,
});

const modelsSchema = z.strictObject({
  source: z
    .enum(['image', 'pvc', 'objectStore'])
    .describe('Where the model repository is: in the image, on a volume, or copied from an object store'),
  pvc: z.strictObject({
    claim: objectName('PersistentVolumeClaim, mounted read-only'),
    subPath: text('Folder in it'),
  }),
  objectStore: z.strictObject({
    uri: text('Folder, as rclone names it: store:bucket/model_repository'),
    secret: objectName('Secret with RCLONE_CONFIG_… variables'),
    image: image('Image with rclone'),
    size: size('Room for the copy'),
  }),
});

const rolloutSteps = z.union([z.int().min(0), z.string().regex(/^[0-9]{1,3}%$/)]);

const classifierSchema = z.strictObject({
  kind: z
    .enum(['triton', 'router-server', 'external'])
    .describe('triton; router-server, a small one on the CPU; external, none: policies name your own'),
  image: image('Empty: llm-router-triton or llm-router-server'),
  replicas: count('Pods, without autoscaling', 1),
  autoscaling: z.strictObject({
    enabled: flag('Let a HorizontalPodAutoscaler choose the number of pods by CPU'),
    minReplicas: count('Fewest pods', 1),
    maxReplicas: count('Most pods', 1),
    targetCPU: count('Mean per cent of the requested CPU', 1),
  }),
  podDisruptionBudget,
  gpu: z.strictObject({
    enabled: flag('Ask for GPUs; off is Triton’s CPU profile'),
    resource: text('Name by which nodes offer them'),
    count: count('GPUs a pod', 1),
    runtimeClassName: text('RuntimeClass of NVIDIA’s runtime, where it is not the default'),
  }),
  rollout: z.strictObject({
    maxSurge: rolloutSteps.describe('Pods above the wanted number during a rollout; 0 where no GPU is free'),
    maxUnavailable: rolloutSteps.describe('Pods that may be missing during a rollout'),
  }),
  preStopSeconds: seconds(
    'A pod that has left the Service answers for so long before SIGTERM: as long as DNS answers are kept, and 10 more',
    1,
  ),
  maxConnectionAgeSeconds: seconds(
    'Triton ends gRPC connections of this age gracefully, so that controllers find new pods',
    1,
  ),
  models: modelsSchema,
  sharedMemory: size('Of /dev/shm, which Triton’s Python step uses; counts as memory'),
  resources,
  extraArgs: z.array(z.string()).describe('Further arguments of the server'),
  ...pods,
});

const redisSchema = z.strictObject({
  enabled: flag('A single Redis of the release, for trials; production gives config.redis'),
  image: image('Image of Redis'),
  existingSecret: objectName('Secret with the password; empty: one is made once and kept'),
  passwordKey: z.string().min(1).describe('Key in it'),
  maxMemory: text('Redis’ maxmemory'),
  persistence: z.strictObject({
    enabled: flag('Keep data on a volume'),
    size: size('Of the volume'),
    storageClass: text('Empty: the cluster’s default'),
  }),
  resources,
  ...placement,
});

const exposureSchema = z.strictObject({
  paths: z
    .array(z.string().regex(/^\/[A-Za-z0-9/_.-]*$/))
    .min(1)
    .describe('What goes out; /metrics, /config and the probes are left inside'),
  timeoutSeconds: seconds(
    'Longest wait of proxies; null: the longest total_ms of a target and a minute',
    1,
  ).nullish(),
});

const networkPolicySchema = z.strictObject({
  enabled: flag('Default deny, and exactly the arrows below'),
  clients: peers('Who may call the router: ingress or gateway, and applications'),
  prometheus: peers('Who may scrape the router and the classifier'),
  admin: peers('Who may call the admin API, where config.admin.host is not loopback'),
  dns: z.strictObject({
    peers: peers('The cluster’s DNS'),
    ports: ports.describe('UDP and TCP; OpenShift: 5353'),
  }),
  upstreams: arrows('Models, and the identity provider of config.auth.jwt'),
  classifier: arrows('A classifier of kind external'),
  redis: arrows('The Redis of config.redis'),
  tracing: arrows('The collector of config.tracing.endpoint'),
  objectStore: arrows('The store of classifier.models.objectStore'),
});

export const valuesSchema = z.strictObject({
  global: z
    .looseObject({
      imageRegistry: text('As imageRegistry, which stands above it').optional(),
      imagePullSecrets: z
        .array(z.union([existing('Secret'), z.strictObject({ name: existing('Secret') })]))
        .describe('Besides imagePullSecrets; names, or objects with a name')
        .optional(),
    })
    .optional()
    .describe('Of a parent chart: imageRegistry and imagePullSecrets are read'),
  enabled: z.boolean().optional().describe('For a parent chart’s `condition`; not read'),
  tags: z.record(z.string(), z.boolean()).optional().describe('Of a parent chart; not read'),
  nameOverride: text('In place of the chart’s name'),
  fullnameOverride: text('In place of release and chart name'),
  commonLabels: strings('On every object'),
  imageRegistry: text('Put before every image: a registry or mirror, with its path'),
  imagePullSecrets: z.array(z.strictObject({ name: existing('Secret') })).describe('For private registries'),
  ipFamily: z
    .enum(['IPv4', 'IPv6'])
    .describe('Of the pods’ addresses; IPv6: servers listen on ::, Triton’s metrics on IPv6 alone'),
  config: configSchema.describe('The router’s configuration file; templates in it are filled in'),
  secrets: secretsSchema,
  controller: controllerSchema,
  classifier: classifierSchema,
  redis: redisSchema,
  serviceAccount: z.strictObject({
    create: flag('Make one, without a token'),
    name: objectName('Empty: the release’s name'),
    annotations: strings('Of the ServiceAccount'),
  }),
  security: z.strictObject({
    userIds: z
      .enum(['fixed', 'platform'])
      .describe('fixed: the images’ own user ids; platform: none is asked for, as OpenShift wants'),
  }),
  exposure: exposureSchema,
  ingress: z.strictObject({
    enabled: flag('Make an Ingress'),
    className: text('Ingress class; the annotations are ingress-nginx’'),
    hosts: z.array(z.string().min(1)).describe('Host names'),
    tls: z
      .array(
        z.strictObject({
          secretName: existing('Secret of type kubernetes.io/tls').optional(),
          hosts: z.array(z.string()),
        }),
      )
      .describe('Certificates'),
    annotations: strings('Over those for streams that the chart sets'),
  }),
  httpRoute: z.strictObject({
    enabled: flag('Make a Gateway API HTTPRoute'),
    parentRefs: kubernetesList('The Gateways'),
    hostnames: z.array(z.string().min(1)).describe('Host names'),
  }),
  route: z.strictObject({
    enabled: flag('Make OpenShift Routes, one a path; without a host only the first path’s'),
    host: text('Host name; empty: the platform’s choice'),
    annotations: strings('Of the Routes'),
  }),
  networkPolicy: networkPolicySchema,
  serviceMonitor: z.strictObject({
    enabled: flag('Make ServiceMonitors for the Prometheus operator'),
    interval: z
      .string()
      .regex(/^[0-9]+(ms|s|m)$/)
      .describe('Between scrapes'),
    labels: strings('That your Prometheus selects'),
    extra: kubernetes('Further fields of each endpoint: scrapeTimeout, relabelings, metricRelabelings, …'),
  }),
  extraObjects: kubernetesList('Further objects of the release; templates in them are filled in'),
  prometheusRule: z.strictObject({
    enabled: flag('Make a PrometheusRule of deploy/prometheus/rules'),
    labels: strings('That your Prometheus selects'),
    selector: text(
      'Whose series count, as PromQL’s matchers; empty: namespace="…",job="…" as the ServiceMonitor gives them',
    ),
    runbooksUrl: webFolder('Where docs/runbooks can be read, so that alerts link to their page'),
    grafanaUrl: webFolder('Grafana’s address, so that alerts link to their panel'),
  }),
  dashboards: z.strictObject({
    enabled: flag('Make ConfigMaps of deploy/grafana/dashboards for Grafana’s sidecar'),
    labels: strings('That the sidecar selects'),
    annotations: strings('For the sidecar’s folders'),
  }),
  test: z.strictObject({
    keySecret: z.strictObject({
      name: objectName('Secret with a client’s key for `helm test`'),
      key: z.string(),
    }),
    policy: text('Policy that is asked; empty: the default one'),
  }),
});

/** In the chart a template may stand for a value, too. */
const PLACEHOLDER = '\\$\\{[A-Za-z_]|^file:|\\{\\{';

/** As Helm reads it. Every value has a default in values.yaml, so all are there when Helm looks. */
export function valuesJsonSchema(): SchemaNode {
  const schema = z.toJSONSchema(valuesSchema, { io: 'input' }) as SchemaNode & {
    properties: Record<string, SchemaNode>;
  };
  const {
    $schema: _,
    title: __,
    ...config
  } = configurationSchema(PLACEHOLDER) as SchemaNode & Record<string, unknown>;
  const { description } = schema.properties.config!;
  const properties = { ...schema.properties, config: { ...config, description } };
  return { ...schema, properties, title: 'Values of the chart llm-router' } as SchemaNode;
}
