/** What the chart makes of values that are right. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { CHART } from '../../deploy/helm/src/files.ts';
import { FIXED } from '../../services/router-controller/src/reload.ts';
import { helm, type Manifest, pick, type Rendering, render, valuesFiles } from '../deploy/chart.ts';
import { readRouterConfig } from '../deploy/router-config.ts';
import { containers, ruleProblems, workloads } from '../deploy/rules.ts';
import { ROOT } from '../parts/lib.ts';

const files = valuesFiles();
const file = (name: string) => files.get(name)!;
const renderAnew = (name: string, set: readonly string[] = [], more: Rendering = {}) =>
  render({ ...more, values: [file(name), ...(more.values ?? [])], set });
const kept = new Map<string, ReturnType<typeof render>>();
/** What was rendered already: nothing but a trial Redis' password changes between two renderings. */
async function rendered(...args: Parameters<typeof renderAnew>): ReturnType<typeof render> {
  const key = JSON.stringify(args);
  const manifests = kept.get(key) ?? renderAnew(...args);
  kept.set(key, manifests);
  return structuredClone(await manifests);
}
const template = (manifests: readonly Manifest[], end: string) =>
  pick(manifests, 'Deployment', end).spec.template;

test('a changed configuration rolls no pod, and reaches the file that pods watch', async () => {
  const before = await rendered('one-gpu');
  const { policies, targets } = load(pick(before, 'ConfigMap', '-config').data!['router.yaml']!) as {
    policies: object[];
    targets: object[];
  };
  const over = {
    config: {
      classifier: { deadline_ms: 99 },
      policies: policies.map((policy) => ({ ...policy, threshold: 0.7 })),
      targets: targets.map((target) => ({ ...target, timeouts: { first_byte_ms: 1 } })),
    },
  };
  const after = await rendered('one-gpu', [], { over });
  assert.notEqual(
    pick(before, 'ConfigMap', '-config').data!['router.yaml'],
    pick(after, 'ConfigMap', '-config').data!['router.yaml'],
  );
  for (const end of ['-controller', '-classifier'])
    assert.deepEqual(template(after, end), template(before, end));
  const [{ volumeMounts }] = template(after, '-controller').spec.containers;
  const mount = volumeMounts.find((each: { name: string }) => each.name === 'config');
  // With subPath Kubernetes would never renew it.
  assert.deepEqual(mount, { name: 'config', mountPath: '/etc/llm-router/config', readOnly: true });
});

test('an image or a key that needs a restart rolls the controller, a new version of the chart alone does not', async () => {
  const before = template(await rendered('production'), '-controller');
  assert.ok(
    FIXED.includes('server.port') && FIXED.includes('redis.url') && FIXED.includes('tracing.sample_ratio'),
  );
  for (const set of [
    'controller.image.tag=2.0.0',
    'config.tracing.sample_ratio=1',
    'config.redis.key_prefix=other',
    'config.upstream.breaker_failures=9',
    'config.admin.port=9000',
    'config.server.shutdown_grace_ms=1000',
  ])
    assert.notDeepEqual(template(await rendered('production', [set]), '-controller'), before, set);
  assert.doesNotMatch(JSON.stringify(before), /helm\.sh\/chart/);
});

test('pods stop after preStop, drain and grace, and not before', async () => {
  const production = template(await rendered('production'), '-controller').spec;
  assert.equal(production.terminationGracePeriodSeconds, 5 + 5 + 300 + 5);
  assert.deepEqual(production.containers[0].lifecycle.preStop, { sleep: { seconds: 5 } });
  const laptop = template(await rendered('laptop', ['controller.preStopSeconds=7']), '-controller').spec;
  assert.equal(laptop.terminationGracePeriodSeconds, 7 + 1 + 10 + 5);
  const longer = template(
    await rendered('laptop', ['controller.terminationGracePeriodSeconds=90']),
    '-controller',
  ).spec;
  assert.equal(longer.terminationGracePeriodSeconds, 90);
});

test('a classifier that has left the Service answers until every controller has found the others', async () => {
  const spec = async (name: string, set: string[] = []) =>
    template(await rendered(name, set), '-classifier').spec;
  const wait = ({ containers }: { containers: { lifecycle: object }[] }) => containers[0]!.lifecycle;
  const whole = await spec('production');
  // DNS answers are kept for 30 s, and looked up every 5 s.
  assert.deepEqual(wait(whole), { preStop: { sleep: { seconds: 45 } } });
  assert.equal(whole.terminationGracePeriodSeconds, 45 + 25);
  const lone = await spec('one-gpu');
  assert.deepEqual(
    wait(lone),
    { preStop: { sleep: { seconds: 5 } } },
    'nobody takes over from the only GPU’s',
  );
  const own = await spec('laptop', ['classifier.preStopSeconds=12']);
  assert.equal(own.terminationGracePeriodSeconds, 12 + 25);
});

test('a rollout never has fewer controllers than asked for; a lone GPU is given up before it is taken', async () => {
  const strategy = async (name: string, end: string) =>
    pick(await rendered(name), 'Deployment', end).spec.strategy.rollingUpdate;
  assert.deepEqual(await strategy('production', '-controller'), { maxSurge: 1, maxUnavailable: 0 });
  assert.deepEqual(await strategy('production', '-classifier'), { maxSurge: 1, maxUnavailable: 0 });
  assert.deepEqual(await strategy('one-gpu', '-classifier'), { maxSurge: 0, maxUnavailable: 1 });
});

test('where pods have IPv6 alone every server listens there, in each one’s own spelling; cloud logs are asked of both parts', async () => {
  const six = { ipFamily: 'IPv6', config: { logging: { severity: true } } };
  const triton = template(await rendered('one-gpu', [], { over: six }), '-classifier').spec.containers[0];
  for (const argument of ['--grpc-address=[::]', '--metrics-address=ipv6:::', '--http-address=127.0.0.1'])
    assert.ok(triton.args.includes(argument), argument);
  const manifests = await rendered('laptop', [], { over: six });
  const small = template(manifests, '-classifier').spec.containers[0];
  assert.deepEqual(small.args.slice(-4), ['--host', '::', '--log-format', 'json']);
  assert.equal((await readRouterConfig(manifests)).file.server.host, '::');
  const usual = template(await rendered('one-gpu'), '-classifier').spec.containers[0];
  assert.doesNotMatch(usual.args.join(), /grpc-address|metrics-address/);
});

test('Triton has its GPU, or none with the CPU profile; probes ask gRPC’s health; the Service is headless', async () => {
  const gpu = await rendered('one-gpu');
  const [server] = template(gpu, '-classifier').spec.containers;
  assert.equal(server.resources.limits['nvidia.com/gpu'], 1);
  assert.equal(server.resources.requests['nvidia.com/gpu'], 1);
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
    assert.deepEqual(server[probe].grpc, { port: 8001 }, probe);
  assert.ok(server.args.includes('--grpc-max-connection-age=60000'));
  assert.equal(pick(gpu, 'Service', '-headless').spec.clusterIP, 'None');
  for (const name of ['hybrid', 'laptop'])
    assert.doesNotMatch(JSON.stringify(template(await rendered(name), '-classifier')), /nvidia\.com/);
});

test('Triton’s HTTP port is closed, unless a policy asks by HTTP; router-server’s is open for probes and metrics', async () => {
  const open = async (manifests: readonly Manifest[]) => {
    const [container] = template(manifests, '-classifier').spec.containers;
    const served = pick(manifests, 'Service', '-headless').spec.ports as { port: number }[];
    const listens = (container.ports as { containerPort: number }[]).some(
      (item) => item.containerPort === 8000,
    );
    assert.equal(
      served.some(({ port }) => port === 8000),
      listens,
      'Service and pod agree',
    );
    const isLoopback = (container.args as string[]).includes('--http-address=127.0.0.1');
    return { listens, isLoopback };
  };
  for (const name of ['one-gpu', 'production'])
    assert.deepEqual(await open(await rendered(name)), { listens: false, isLoopback: true }, name);
  const values = [files.get('one-gpu')!, 'scripts/test/fixtures/http-classifier.yaml'];
  assert.deepEqual(await open(await render({ values })), { listens: true, isLoopback: false });
  assert.deepEqual(await open(await rendered('laptop')), { listens: true, isLoopback: false });
});

test('models come from the image, a volume, or an object store', async () => {
  const pod = async (set: string[]) => {
    const manifests = await rendered('one-gpu', set);
    assert.deepEqual(ruleProblems(manifests), []);
    return template(manifests, '-classifier').spec;
  };
  const mount = (container: { volumeMounts: { mountPath: string }[] }) =>
    container.volumeMounts.find(({ mountPath }) => mountPath === '/models');
  assert.equal(mount((await pod([])).containers[0]), undefined);
  const pvc = await pod([
    'classifier.models.source=pvc',
    'classifier.models.pvc.claim=models',
    'classifier.models.pvc.subPath=v2',
  ]);
  assert.deepEqual(mount(pvc.containers[0]), {
    name: 'models',
    mountPath: '/models',
    readOnly: true,
    subPath: 'v2',
  });
  assert.deepEqual(
    pvc.volumes.find((each: { name: string }) => each.name === 'models').persistentVolumeClaim,
    {
      claimName: 'models',
      readOnly: true,
    },
  );
  const store = await pod([
    'classifier.models.source=objectStore',
    'classifier.models.objectStore.uri=store:bucket/models',
    'classifier.models.objectStore.secret=store',
  ]);
  const [fetching] = store.initContainers;
  assert.deepEqual(fetching.args.slice(-2), ['store:bucket/models', '/models']);
  assert.deepEqual(fetching.envFrom, [{ secretRef: { name: 'store' } }]);
  assert.ok(mount(fetching) && mount(store.containers[0]));
});

test('policies ask the headless Service of their own release, whatever it is called', async () => {
  for (const [more, host] of [
    [{}, 'r-llm-router-classifier-headless'],
    [{ release: 'llm-router' }, 'llm-router-classifier-headless'],
    [{ release: 'a-release-with-a-name-of-fifty-three-letters-in-all-x' }, ''],
  ] as const) {
    const manifests = await rendered('one-gpu', [], more);
    const service = pick(manifests, 'Service', '-headless').metadata.name;
    if (host) assert.equal(service, host);
    const { table } = await readRouterConfig(manifests);
    for (const { endpoints } of table.policies.values())
      assert.deepEqual(
        endpoints.map(({ protocol, address }) => [protocol, address]),
        [['grpc', `${service}:8001`]],
      );
    assert.deepEqual(ruleProblems(manifests), []);
  }
});

test('controllers scale by CPU, or by requests in flight under the metric’s real name', async () => {
  const [cpu] = pick(await rendered('production'), 'HorizontalPodAutoscaler').spec.metrics;
  assert.deepEqual(cpu, {
    type: 'Resource',
    resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } },
  });
  const [inFlight] = pick(await rendered('hybrid'), 'HorizontalPodAutoscaler').spec.metrics;
  assert.deepEqual(inFlight, {
    type: 'Pods',
    pods: { metric: { name: 'llm_router_in_flight' }, target: { type: 'AverageValue', averageValue: '200' } },
  });
  assert.match(readFileSync(join(ROOT, CHART, 'README.md'), 'utf8'), /seriesQuery: .*llm_router_in_flight/);
});

test('ways in let streams pass: nothing is held back, nothing is asked twice, and the longest answer is waited for', async () => {
  const hybrid = await rendered('hybrid');
  const { annotations } = pick(hybrid, 'Ingress').metadata;
  const nginx = (key: string) => annotations![`nginx.ingress.kubernetes.io/${key}`];
  // The longest total_ms of the targets is 900 s.
  assert.equal(nginx('proxy-read-timeout'), '960');
  assert.equal(nginx('proxy-send-timeout'), '960');
  assert.equal(nginx('proxy-buffering'), 'off');
  assert.equal(nginx('proxy-next-upstream'), 'off');
  assert.equal(nginx('proxy-body-size'), String(32 * 1024 * 1024));
  const annotations5 = { 'nginx.ingress.kubernetes.io/proxy-read-timeout': '5' };
  const own = await rendered('hybrid', [], { over: { ingress: { annotations: annotations5 } } });
  assert.equal(
    pick(own, 'Ingress').metadata.annotations!['nginx.ingress.kubernetes.io/proxy-read-timeout'],
    '5',
  );
  const [rule] = pick(await rendered('production'), 'HTTPRoute').spec.rules;
  assert.deepEqual(rule.timeouts, { request: '660s', backendRequest: '660s' });
  const route = pick(await rendered('openshift'), 'Route');
  assert.equal(route.metadata.annotations!['haproxy.router.openshift.io/timeout'], '660s');
});

test('only the API goes out: metrics, probes and configuration stay inside', async () => {
  const paths = async (name: string, kind: string): Promise<string[]> => {
    const { spec } = pick(await rendered(name), kind);
    return kind === 'Ingress'
      ? spec.rules[0].http.paths.map(({ path }: { path: string }) => path)
      : spec.rules[0].matches.map(({ path }: { path: { value: string } }) => path.value);
  };
  for (const found of [await paths('hybrid', 'Ingress'), await paths('production', 'HTTPRoute')])
    assert.deepEqual(found, ['/v1', '/chat/completions', '/completions']);
  const routes = (await rendered('openshift', ['route.host=llm.apps.example'])).filter(
    ({ kind }) => kind === 'Route',
  );
  assert.deepEqual(
    routes.map(({ spec }) => [spec.host, spec.path]),
    [
      ['llm.apps.example', '/v1'],
      ['llm.apps.example', '/chat/completions'],
      ['llm.apps.example', '/completions'],
    ],
  );
});

test('OpenShift chooses user ids itself; elsewhere they are the images’ own', async () => {
  const ids = (manifests: readonly Manifest[]) =>
    workloads(manifests).map(({ pod, name }) => [
      name.split('-').at(-1),
      pod.securityContext.runAsUser,
      pod.securityContext.fsGroup,
    ]);
  assert.deepEqual(ids(await rendered('openshift')), [
    ['classifier', undefined, undefined],
    ['controller', undefined, undefined],
    ['redis', undefined, undefined],
    ['test', undefined, undefined],
  ]);
  assert.deepEqual(ids(await rendered('one-gpu')), [
    ['classifier', 1000, 1000],
    ['controller', 65532, 65532],
    ['test', 65532, 65532],
  ]);
  assert.deepEqual(ids(await rendered('laptop'))[0], ['classifier', 65532, 65532]);
  // What the Dockerfiles say.
  const user = (image: string) =>
    /^USER (\d+):/m.exec(readFileSync(join(ROOT, 'deploy/docker', `${image}.Dockerfile`), 'utf8'))![1];
  assert.deepEqual(['triton', 'controller', 'router-server'].map(user), ['1000', '65532', '65532']);
});

test('no secret stands in any object but the made-up password of the trial Redis', async () => {
  for (const name of files.keys()) {
    const manifests = await rendered(name);
    const secrets = manifests.filter(({ kind }) => kind === 'Secret');
    assert.equal(secrets.length, ['laptop', 'openshift'].includes(name) ? 1 : 0, name);
    for (const { container } of workloads(manifests).flatMap(containers))
      for (const { name: variable, value } of container.env ?? [])
        assert.ok(value === undefined || !/KEY|PASSWORD|TOKEN/.test(variable), `${name}: ${variable}`);
  }
});

test('each trial Redis has a password of its own, or the one of an existing Secret', async () => {
  const password = async () =>
    Buffer.from(pick(await renderAnew('laptop'), 'Secret').data!.password!, 'base64').toString();
  const [one, other] = [await password(), await password()];
  assert.match(one, /^[A-Za-z0-9]{40}$/);
  assert.notEqual(one, other);
  const existing = await rendered('laptop', ['redis.existingSecret=mine', 'redis.passwordKey=word']);
  assert.ok(!existing.some(({ kind }) => kind === 'Secret'));
  const asked = workloads(existing)
    .flatMap(containers)
    .flatMap(({ container }) => container.env ?? []);
  const from = asked.filter(({ name }: { name: string }) => name === 'REDIS_PASSWORD');
  assert.deepEqual(
    from.map((each: { valueFrom: object }) => each.valueFrom),
    [{ secretKeyRef: { name: 'mine', key: 'word' } }, { secretKeyRef: { name: 'mine', key: 'word' } }],
  );
});

test('alerts and dashboards are those of the repository, braces and all', async () => {
  const production = await rendered('production');
  const rules = readFileSync(join(ROOT, 'deploy/prometheus/rules/llm-router.yaml'), 'utf8');
  assert.match(rules, /\{\{ \$value/);
  // biome-ignore lint/suspicious/noExplicitAny: whatever the YAML holds.
  const without = (spec: any, strip: (text: string) => string) =>
    spec.groups[0].rules.map(({ alert, expr, labels }: Record<string, string>) => [
      alert,
      strip(expr!),
      labels,
    ]);
  const own = 'namespace="llm",job="r-llm-router",';
  assert.deepEqual(
    without(pick(production, 'PrometheusRule').spec, (expr) =>
      expr.replaceAll(`{${own}}`, '').replaceAll(own, ''),
    ),
    without(load(rules), (expr) => expr),
  );
  const boards = production.filter(({ metadata }) => metadata.labels?.grafana_dashboard === '1');
  const names = readdirSync(join(ROOT, 'deploy/grafana/dashboards')).sort();
  const plain = (name: string) => name.replace(/-[0-9a-f]{8}(\.json)?$/, '$1');
  assert.deepEqual(boards.flatMap(({ data }) => Object.keys(data!).map(plain)).sort(), names);
  for (const { data } of boards)
    for (const [name, text] of Object.entries(data!)) {
      const { uid, title, ...rest } = JSON.parse(text);
      const file = readFileSync(join(ROOT, 'deploy/grafana/dashboards', plain(name)), 'utf8');
      assert.deepEqual(
        { uid: plain(uid), title: title.replace(' (llm/r-llm-router)', ''), ...rest },
        JSON.parse(file),
      );
    }
});

test('each release’s alerts see its own series, in every selector, or those that it is told', async () => {
  for (const [namespace, set, scope] of [
    ['prod', [], 'namespace="prod",job="r-llm-router"'],
    ['staging', ['fullnameOverride=x'], 'namespace="staging",job="x"'],
    ['prod', ['prometheusRule.selector=team="a"'], 'team="a"'],
  ] as const) {
    const manifests = await render({ values: [valuesFiles().get('production')!], namespace, set });
    const exprs = pick(manifests, 'PrometheusRule').spec.groups[0].rules.map(
      ({ expr }: { expr: string }) => expr,
    );
    assert.ok(exprs.length > 10);
    for (const expr of exprs)
      for (const [series, inside] of expr.matchAll(/\bllm_router_\w+(\{[^}]*)?/g))
        assert.ok(inside?.startsWith(`{${scope},`), series);
  }
});

test('two releases’ dashboards have names of their own, and alerts link to their own release’s', async () => {
  const seen = new Set<string>();
  for (const namespace of ['prod', 'staging']) {
    const manifests = await render({ values: [valuesFiles().get('production')!], namespace });
    const boards = manifests
      .filter(({ metadata }) => metadata.labels?.grafana_dashboard === '1')
      .flatMap(({ data }) => Object.entries(data!));
    const uids = boards.map(([, text]) => JSON.parse(text).uid as string);
    for (const [index, [name, text]] of boards.entries())
      for (const each of [name, uids[index]!, JSON.parse(text).title]) {
        assert.ok(!seen.has(each), each);
        seen.add(each);
      }
    for (const uid of uids) assert.ok(uid.length <= 40, uid);
    const { rules } = pick(manifests, 'PrometheusRule').spec.groups[0];
    for (const { annotations } of rules) {
      assert.ok(uids.includes(annotations.__dashboardUid__), annotations.__dashboardUid__);
      assert.equal(annotations.dashboard_url.split(/[?/]/)[2], annotations.__dashboardUid__);
    }
  }
});

test('alerts link to their runbook and panel where their addresses are given', async () => {
  const production = await rendered('production', [
    'prometheusRule.runbooksUrl=https://wiki.example.com/llm-router',
    'prometheusRule.grafanaUrl=https://grafana.example.com',
  ]);
  const { rules } = pick(production, 'PrometheusRule').spec.groups[0];
  assert.ok(rules.length > 10);
  for (const { alert, annotations } of rules) {
    assert.equal(annotations.runbook_url, `https://wiki.example.com/llm-router/${alert}.md`);
    assert.match(
      annotations.dashboard_url,
      /^https:\/\/grafana\.example\.com\/d\/llm-router-\w+-[0-9a-f]{8}\?viewPanel=\d+$/,
    );
  }
  await assert.rejects(rendered('production', ['prometheusRule.grafanaUrl=grafana/']), /grafanaUrl/);
});

test('Prometheus finds both parts', async () => {
  const monitors = (await rendered('production')).filter(({ kind }) => kind === 'ServiceMonitor');
  assert.deepEqual(monitors.map(({ metadata, spec }) => [metadata.name, spec.endpoints[0].port]).sort(), [
    ['r-llm-router-classifier', 'metrics'],
    ['r-llm-router-controller', 'http'],
  ]);
});

test('an image may be named by digest, and all come through a mirror when there is one', async () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const manifests = await rendered('laptop', [
    'imageRegistry=mirror:5000/team',
    `controller.image.digest=${digest}`,
  ]);
  const images = workloads(manifests)
    .flatMap(containers)
    .map(({ container }) => container.image);
  assert.deepEqual(
    new Set(images),
    new Set([
      'mirror:5000/team/llm-router-server:0.1.0',
      `mirror:5000/team/llm-router-controller@${digest}`,
      'mirror:5000/team/redis:7.2-alpine',
    ]),
  );
});

test('what Kubernetes’ own objects can say can be said of both parts', async () => {
  const part = {
    annotations: { team: 'a' },
    extraEnv: [{ name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }],
    envFrom: [{ configMapRef: { name: 'theirs' } }],
    dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
    hostAliases: [{ ip: '10.0.0.9', hostnames: ['models'] }],
    probes: { liveness: { failureThreshold: 9 }, readiness: { exec: { command: ['true'] } } },
    initContainers: [{ name: 'before', image: 'x:1' }],
    sidecars: [{ name: 'beside', image: 'y:1' }],
    extraVolumes: [{ name: 'more', emptyDir: {} }],
    extraVolumeMounts: [{ name: 'more', mountPath: '/more' }],
    resources: { limits: { cpu: null } },
  };
  for (const name of ['laptop', 'one-gpu']) {
    const over = { controller: { ...part, strategy: { rollingUpdate: { maxSurge: 3 } } }, classifier: part };
    const manifests = await rendered(name, [], { over });
    const { strategy } = pick(manifests, 'Deployment', '-controller').spec;
    assert.deepEqual(strategy.rollingUpdate, { maxSurge: 3, maxUnavailable: 0 });
    const recreated = await rendered(name, ['controller.strategy.type=Recreate']);
    assert.deepEqual(pick(recreated, 'Deployment', '-controller').spec.strategy, { type: 'Recreate' });
    for (const end of ['-controller', '-classifier']) {
      const deployment = pick(manifests, 'Deployment', end);
      assert.equal(deployment.metadata.annotations?.team, 'a');
      const { spec } = deployment.spec.template;
      assert.deepEqual(spec.dnsConfig, part.dnsConfig);
      assert.deepEqual(spec.hostAliases, part.hostAliases);
      assert.deepEqual(spec.initContainers, part.initContainers);
      const [own, beside] = spec.containers;
      assert.deepEqual(beside, part.sidecars[0]);
      assert.deepEqual(own.env.at(-1), part.extraEnv[0]);
      assert.deepEqual(own.envFrom, part.envFrom);
      assert.equal(own.livenessProbe.failureThreshold, 9);
      assert.ok(own.livenessProbe.httpGet ?? own.livenessProbe.grpc);
      assert.deepEqual(
        Object.keys(own.readinessProbe).filter((key) => /httpGet|grpc|exec/.test(key)),
        ['exec'],
      );
      assert.deepEqual(Object.keys(own.resources.limits).includes('cpu'), false);
      assert.ok(own.resources.limits.memory);
      assert.ok(own.volumeMounts.some(({ mountPath }: { mountPath: string }) => mountPath === '/more'));
      assert.ok(spec.volumes.some(({ name }: { name: string }) => name === 'more'));
    }
  }
});

test('the Service, the ServiceMonitors and whatever else take further fields and objects', async () => {
  const manifests = await rendered('production', [], {
    over: {
      controller: { service: { extra: { ipFamilyPolicy: 'PreferDualStack' } } },
      serviceMonitor: {
        extra: { scrapeTimeout: '5s', relabelings: [{ targetLabel: 'cluster', replacement: 'x' }] },
      },
      extraObjects: [
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: '{{ .Release.Name }}-mine', namespace: '{{ .Release.Namespace }}' },
          data: { a: 'b' },
        },
      ],
    },
  });
  assert.equal(pick(manifests, 'Service', 'r-llm-router').spec.ipFamilyPolicy, 'PreferDualStack');
  const monitors = manifests.filter(({ kind }) => kind === 'ServiceMonitor');
  for (const { spec } of monitors) {
    assert.equal(spec.endpoints[0].scrapeTimeout, '5s');
    assert.equal(spec.endpoints[0].relabelings[0].targetLabel, 'cluster');
  }
  assert.equal(pick(manifests, 'ConfigMap', '-mine').metadata.name, 'r-mine');
});

test('the packaged chart is the chart: all that it renders, with the ready-made values, and nothing of the repository', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-chart-'));
  try {
    const { code, err } = await helm(['package', CHART, '--destination', folder]);
    assert.equal(code, 0, err);
    const [file] = readdirSync(folder);
    assert.match(file!, /^llm-router-\d+\.\d+\.\d+\.tgz$/);
    const chart = join(folder, file!);
    for (const values of valuesFiles().values())
      assert.deepEqual(
        withoutPasswords(await render({ chart, values: [values] })),
        withoutPasswords(await render({ values: [values] })),
      );
    assert.ok(statSync(chart).size < 512 * 1024, `${statSync(chart).size} bytes`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A password is made anew at each rendering without a cluster. */
const withoutPasswords = (manifests: readonly Manifest[]) =>
  manifests.filter(({ kind }) => kind !== 'Secret');
