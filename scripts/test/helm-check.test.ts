/** `npm run check:deploy` on the chart: nothing wrong with ours, and whatever is broken is told with its place. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CHART } from '../../deploy/helm/src/files.ts';
import { type Manifest, pick, render, valuesFiles } from '../deploy/chart.ts';
import { helmChecks } from '../deploy/helm-checks.ts';
import { RULES, workloads } from '../deploy/rules.ts';
import { ROOT } from '../parts/lib.ts';
import { Script } from './processes.ts';

const scratch = mkdtempSync(join(tmpdir(), 'llm-router-chart-'));
after(() => rmSync(scratch, { recursive: true }));

/** Problems that one check finds in a copy of the chart where a text stands in place of another. */
async function broken(check: string, file: string, from: string, to: string): Promise<string> {
  const copy = mkdtempSync(join(scratch, 'copy-'));
  cpSync(join(ROOT, CHART), copy, { recursive: true });
  const before = readFileSync(join(copy, file), 'utf8');
  assert.ok(before.includes(from), `${file} holds no ${from}`);
  writeFileSync(join(copy, file), before.replaceAll(from, to));
  const found = helmChecks(copy).find(({ name }) => name === check)!;
  return (await found.run()).problems.join('\n');
}

test('the command says that nothing is wrong, and exits 0', async () => {
  const script = new Script('check:deploy', ['--only', 'helm']);
  assert.equal(await script.exit, 0, script.output);
  assert.match(
    script.output,
    /✔ helm lint\n[\s\S]*✔ helm manifests\n[\s\S]*✔ helm rules\n[\s\S]*✔ helm router configuration\n/,
  );
  const [, judged] = /(\d+) objects by the schemas/.exec(script.output)!;
  let objects = 0;
  for (const file of valuesFiles().values()) objects += (await render({ values: [file] })).length;
  assert.equal(Number(judged), objects);
});

test('a value that there is not is told by helm lint, with its path', async () => {
  assert.match(
    await broken('helm lint', 'values/laptop.yaml', 'replicas: 1', 'replica: 1'),
    /laptop: [\s\S]*'\/controller': additional properties 'replica' not allowed/,
  );
});

test('a template that does not render is told', async () => {
  const problems = await broken('helm manifests', 'templates/serviceaccount.yaml', '{{- end }}', '');
  assert.match(problems, /laptop: [\s\S]*serviceaccount\.yaml/);
});

test('a misspelt field is told, of Kubernetes’ own objects and of custom ones', async () => {
  for (const [file, from, to, problem] of [
    [
      'templates/controller/deployment.yaml',
      'readinessProbe:',
      'readinesProbe:',
      /Deployment r-llm-router-controller: .*readinesProbe/,
    ],
    ['templates/controller/hpa.yaml', 'maxReplicas:', 'maxReplica:', /HorizontalPodAutoscaler .*maxReplica/],
    [
      'templates/network/httproute.yaml',
      'backendRequest:',
      'backend:',
      /HTTPRoute r-llm-router: spec\.rules\[0\]\.timeouts: .*backend/,
    ],
    [
      'templates/network/httproute.yaml',
      'PathPrefix',
      'Prefix',
      /HTTPRoute .*matches\[0\]\.path\.type: 'Prefix' is not one of/,
    ],
    [
      'templates/network/route.yaml',
      'termination: edge',
      'termination: none',
      /Route .*spec\.tls\.termination: 'none'/,
    ],
    [
      'templates/observe/servicemonitor.yaml',
      'interval:',
      'every:',
      /ServiceMonitor .*endpoints\[0\]: .*every/,
    ],
    ['files/rules.yaml', 'annotations:', 'annotation:', /PrometheusRule .*annotation'/],
  ] as const)
    assert.match(await broken('helm manifests', file, from, to), problem);
});

test('what only a newer Kubernetes knows is told with the version that does not', async () => {
  const problems = await broken(
    'helm manifests',
    'templates/classifier/deployment.yaml',
    'terminationGracePeriodSeconds: 40',
    'terminationGracePeriodSeconds: 40\n      hostnameOverride: classifier',
  );
  assert.match(problems, /hostnameOverride.*\(Kubernetes 1\.30\)/);
  assert.doesNotMatch(problems, /1\.37/);
});

test('a container without limits is told', async () => {
  assert.match(
    await broken('helm rules', 'templates/tests/route.yaml', 'limits: { cpu: 500m, memory: 256Mi }', ''),
    /laptop: Pod r-llm-router-test, container test: no limits of cpu/,
  );
});

test('a configuration that the router would refuse is told in the router’s words', async () => {
  assert.match(
    await broken(
      'helm router configuration',
      'values/hybrid.yaml',
      'Chatbot, target: local-8b',
      'Chatbot, target: local-8',
    ),
    /hybrid: [\s\S]*no target 'local-8'\. .*local-8b/,
  );
});

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
