/** `npm run check:deploy` on the chart: nothing wrong with ours, and whatever is broken is told with its place. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CHART } from '../../deploy/helm/src/files.ts';
import { render, valuesFiles } from '../deploy/chart.ts';
import { helmChecks } from '../deploy/helm-checks.ts';
import { ROOT } from '../parts/lib.ts';
import { Script } from './processes.ts';

const scratch = mkdtempSync(join(tmpdir(), 'llm-router-chart-'));
after(() => rmSync(scratch, { recursive: true }));

/** A text of a chart's file, and what stands in its place. */
type Change = readonly [file: string, from: string, to: string];

/** Problems that one check finds in a copy of the chart with these changes. */
async function broken(check: string, ...changes: readonly Change[]): Promise<string> {
  const copy = mkdtempSync(join(scratch, 'copy-'));
  cpSync(join(ROOT, CHART), copy, { recursive: true });
  for (const [file, from, to] of changes) {
    const before = readFileSync(join(copy, file), 'utf8');
    assert.ok(before.includes(from), `${file} holds no ${from}`);
    writeFileSync(join(copy, file), before.replaceAll(from, to));
  }
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
    await broken('helm lint', ['values/laptop.yaml', 'replicas: 1', 'replica: 1']),
    /laptop: [\s\S]*'\/controller': additional properties 'replica' not allowed/,
  );
});

test('a template that does not render is told', async () => {
  const problems = await broken('helm manifests', ['templates/serviceaccount.yaml', '{{- end }}', '']);
  assert.match(problems, /laptop: [\s\S]*serviceaccount\.yaml/);
});

test('a misspelt field is told, of Kubernetes’ own objects and of custom ones', async () => {
  const misspelt = [
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
  ] as const;
  const changes = misspelt.map(([file, from, to]): Change => [file, from, to]);
  const problems = await broken('helm manifests', ...changes);
  for (const [, , , problem] of misspelt) assert.match(problems, problem);
});

test('what only a newer Kubernetes knows is told with the version that does not', async () => {
  const problems = await broken('helm manifests', [
    'templates/classifier/deployment.yaml',
    'terminationGracePeriodSeconds: {{',
    'hostnameOverride: classifier\n      terminationGracePeriodSeconds: {{',
  ]);
  assert.match(problems, /hostnameOverride.*\(Kubernetes 1\.30\)/);
  assert.doesNotMatch(problems, /1\.37/);
});

test('a container without limits is told', async () => {
  assert.match(
    await broken('helm rules', ['templates/tests/route.yaml', 'limits: { cpu: 500m, memory: 256Mi }', '']),
    /laptop: Pod r-llm-router-test, container test: no limits of cpu/,
  );
});

test('a configuration that the router would refuse is told in the router’s words', async () => {
  assert.match(
    await broken('helm router configuration', [
      'values/hybrid.yaml',
      'Chatbot, target: local-8b',
      'Chatbot, target: local-8',
    ]),
    /hybrid: [\s\S]*no target 'local-8'\. .*local-8b/,
  );
});
