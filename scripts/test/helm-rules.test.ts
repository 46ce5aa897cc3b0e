/** Each rule about manifests, proven by breaking it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Manifest, pick, render, valuesFiles } from '../deploy/chart.ts';
import { RULES, workloads } from '../deploy/rules.ts';

const manifests = await render({ values: [valuesFiles().get('production')!] });

// biome-ignore lint/suspicious/noExplicitAny: objects are bent out of shape here.
type Bend = (objects: any) => void;

/** The rule's problems once the objects are bent. */
function bent(rule: string, bend: Bend): string {
  const copy = structuredClone(manifests) as Manifest[];
  bend(copy);
  return RULES[rule]!(copy).join('\n');
}

// biome-ignore lint/suspicious/noExplicitAny: as above.
const loose: (objects: Manifest[], kind: string, end?: string) => any = pick;

const controller: (bend: Bend) => Bend = (bend) => (objects) =>
  bend(pick(objects, 'Deployment', '-controller').spec.template.spec);
const first: (bend: Bend) => Bend = (bend) => controller((pod) => bend(pod.containers[0]));
const drop =
  (kind: string, end = ''): Bend =>
  (objects) => {
    objects.splice(objects.indexOf(pick(objects, kind, end)), 1);
  };

const BREAKS: readonly (readonly [rule: string, bend: Bend, problem: RegExp])[] = [
  ['limits', first((c) => delete c.resources.requests.memory), /container controller: no requests of memory/],
  ['restricted', first((c) => delete c.securityContext.readOnlyRootFilesystem), /readOnlyRootFilesystem/],
  ['restricted', first((c) => delete c.securityContext.capabilities), /keeps capabilities/],
  [
    'restricted',
    first((c) => {
      c.securityContext.capabilities.add = ['NET_RAW'];
    }),
    /keeps capabilities/,
  ],
  [
    'restricted',
    first((c) => {
      c.securityContext.allowPrivilegeEscalation = true;
    }),
    /allowPrivilegeEscalation/,
  ],
  [
    'restricted',
    first((c) => {
      c.securityContext.runAsUser = 0;
    }),
    /runs as root/,
  ],
  [
    'restricted',
    first((c) => {
      c.ports[0].hostPort = 80;
    }),
    /port of the node/,
  ],
  ['restricted', controller((pod) => delete pod.securityContext.runAsNonRoot), /runAsNonRoot/],
  ['restricted', controller((pod) => delete pod.securityContext.seccompProfile), /seccompProfile/],
  ['restricted', controller((pod) => delete pod.automountServiceAccountToken), /token/],
  [
    'restricted',
    controller((pod) => {
      pod.hostNetwork = true;
    }),
    /hostNetwork/,
  ],
  [
    'restricted',
    controller((pod) => pod.volumes.push({ name: 'x', hostPath: { path: '/' } })),
    /x is a hostPath/,
  ],
  [
    'restricted',
    (all) => delete loose(all, 'ServiceAccount').automountServiceAccountToken,
    /hands out its token/,
  ],
  ['disruption', drop('PodDisruptionBudget', '-controller'), /controller: several pods without/],
  [
    'disruption',
    controller((pod) => delete pod.topologySpreadConstraints),
    /controller: .*spread over nothing/,
  ],
  [
    'disruption',
    (all) => {
      loose(all, 'Deployment', '-classifier').spec.replicas = 1;
    },
    /holds up every drain/,
  ],
  [
    'scaling',
    (all) => {
      loose(all, 'Deployment', '-controller').spec.replicas = 3;
    },
    /sets replicas/,
  ],
  [
    'scaling',
    (all) => {
      loose(all, 'HorizontalPodAutoscaler').spec.scaleTargetRef.name = 'x';
    },
    /no Deployment x/,
  ],
  [
    'selectors',
    (all) => {
      loose(all, 'Service', 'router').spec.selector.x = 'y';
    },
    /Service r-llm-router: selects 0/,
  ],
  [
    'selectors',
    (all) => {
      loose(all, 'Service', 'router').spec.ports[0].targetPort = 'web';
    },
    /no container port web/,
  ],
  [
    'selectors',
    (all) => {
      loose(all, 'Deployment', '-controller').spec.selector.matchLabels.x = 'y';
    },
    /own pods/,
  ],
  [
    'selectors',
    (all) => {
      loose(all, 'PodDisruptionBudget', '-controller').spec.selector.matchLabels.x = 'y';
    },
    /selects nothing/,
  ],
  [
    'selectors',
    (all) => {
      loose(all, 'ServiceMonitor', '-controller').spec.endpoints[0].port = 'x';
    },
    /no Service has a port x/,
  ],
  ['probes', first((c) => delete c.startupProbe), /controller: no startupProbe/],
  [
    'images',
    first((c) => {
      c.image = 'llm-router-controller';
    }),
    /no fixed version/,
  ],
  [
    'images',
    first((c) => {
      c.image = 'host:5000/llm-router-controller:latest';
    }),
    /no fixed version/,
  ],
  ['references', first((c) => c.volumeMounts.push({ name: 'x', mountPath: '/x' })), /mounts x/],
  ['references', drop('ConfigMap', '-config'), /ConfigMap that is not there/],
  [
    'references',
    controller((pod) => {
      pod.serviceAccountName = 'x';
    }),
    /no ServiceAccount x/,
  ],
  ['network', drop('NetworkPolicy', '-all'), /controller: no NetworkPolicy denies/],
  ['network', drop('NetworkPolicy', '-classifier'), /classifier: no NetworkPolicy says/],
  [
    'bounds',
    (all) => {
      loose(all, 'ServiceAccount').metadata.name = 'x'.repeat(64);
    },
    /over 63/,
  ],
  [
    'bounds',
    (all) => {
      loose(all, 'ConfigMap', '-config').data.x = 'x'.repeat(1e6);
    },
    /limit of 1 MiB/,
  ],
  ['bounds', (all) => delete loose(all, 'ServiceAccount').metadata.namespace, /no namespace/],
];

test('each rule tells what breaks it, and only then', () => {
  assert.deepEqual(new Set(BREAKS.map(([rule]) => rule)), new Set(Object.keys(RULES)));
  assert.ok(workloads(manifests).length >= 3);
  for (const [rule, bend, problem] of BREAKS) {
    assert.deepEqual(RULES[rule]!(manifests), [], rule);
    assert.match(bent(rule, bend), problem, rule);
  }
});
