/** Values that are wrong are refused: by name, with what would be right. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { CHART } from '../../deploy/helm/src/files.ts';
import { valuesSchema } from '../../deploy/helm/src/values-schema.ts';
import { configSchema } from '../../services/router-controller/src/config/schema.ts';
import { render, valuesFiles } from '../deploy/chart.ts';
import { ROOT } from '../parts/lib.ts';

const files = valuesFiles();
const file = (name: string) => files.get(name)!;
const rendered = (name: string, set: readonly string[] = []) => render({ values: [file(name)], set });
const defaults = load(readFileSync(join(ROOT, CHART, 'values.yaml'), 'utf8'));

test('values.yaml has a default for every value, and a new value without one is told', () => {
  const parsed = valuesSchema.safeParse(defaults);
  assert.deepEqual(parsed.error?.issues ?? [], []);
  const without = structuredClone(defaults) as { controller: { replicas?: number } };
  delete without.controller.replicas;
  assert.equal(valuesSchema.safeParse(without).success, false);
});

test('numbers of the router that templates fall back on are the router’s own', () => {
  const texts = readdirSync(join(ROOT, CHART, 'templates'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(yaml|tpl|txt)$/i.test(name))
    .map((name) => readFileSync(join(ROOT, CHART, 'templates', name), 'utf8'))
    .join('\n');
  const file = configSchema.parse({
    policies: [{ name: 'p', url: 'grpc://c/m', llms: [{ name: 'l', target: 't' }] }],
    targets: [{ name: 't', api_base: 'http://t', model: 'm' }],
    admin: { token: 'x'.repeat(24) },
  });
  const told = [
    ...[...texts.matchAll(/"llm-router\.serverMs" \(list \. "(\w+)" (\d+)\)/g)].map(([, key, value]) => [
      key!,
      Number(value),
    ]),
    ...[...texts.matchAll(/dig "server" "(\w+)" (\d+) /g)].map(([, key, value]) => [key!, Number(value)]),
  ] as [string, number][];
  assert.deepEqual(
    new Set(told.map(([key]) => key)),
    new Set(['drain_delay_ms', 'shutdown_grace_ms', 'port', 'body_limit_bytes']),
  );
  for (const [key, value] of told) assert.equal(value, file.server[key as keyof typeof file.server], key);
  const totals = [...texts.matchAll(/"total_ms" (\d+)/g)].map(([, value]) => Number(value));
  assert.deepEqual(totals, [file.targets[0]!.timeouts.total_ms]);
  const [, admin] = /\.port \| default (\d+) \| int64/.exec(texts)!;
  assert.equal(Number(admin), file.admin!.port);
});

test('a typo is refused by name, in the chart’s values and in the router’s configuration', async () => {
  for (const [set, problem] of [
    ['controller.replica=3', /at '\/controller': additional properties 'replica' not allowed/],
    ['config.server.prot=1', /at '\/config\/server': additional properties 'prot' not allowed/],
    ['config.targets[0].api_bse=x', /at '\/config\/targets\/0'/],
    [
      'classifier.kind=tritn',
      /at '\/classifier\/kind': value must be one of 'triton', 'router-server', 'external'/,
    ],
    ['controller.replicas=many', /at '\/controller\/replicas': got string, want integer/],
    ['controller.resources.limits=null', /at '\/controller\/resources': missing property 'limits'/],
  ] as const)
    await assert.rejects(rendered('laptop', [set]), problem);
});

test('what could not work is refused at install, with what would be right', async () => {
  await assert.rejects(
    render(),
    /nobody could call the router: .*config\.auth\.keys .*config\.auth\.mode: open/,
  );
  for (const [name, set, problem] of [
    ['laptop', 'config.auth.mode=required', /nobody could call the router/],
    ['laptop', 'secrets.env=null', /secrets/],
    [
      'production',
      'secrets.files={llm-router-redis}',
      /a file of the Secret llm-router-admin: add llm-router-admin to secrets\.files/,
    ],
    [
      'laptop',
      'controller.env.NVIDIA_API_KEY=x',
      /NVIDIA_API_KEY stands in secrets\.env and in controller\.env/,
    ],
    [
      'laptop',
      'config.server.host=127.0.0.1',
      /config\.server\.host is 127\.0\.0\.1, which nothing outside its pod reaches/,
    ],
    [
      'laptop',
      'config.default_policy=tsk',
      /config\.default_policy is tsk, and config\.policies has: task_router, complexity_router/,
    ],
    [
      'production',
      'config.admin.token=a-token-that-is-written-out',
      /config\.admin\.token is written out and would stand in a ConfigMap/,
    ],
    [
      'production',
      'config.redis.password=redis-pass-9f3a',
      /config\.redis\.password is written out.*write \$\{NAME\} here/,
    ],
    [
      'laptop',
      'config.targets[0].name=a,config.targets[0].api_base=http://a,config.targets[0].model=m,config.targets[0].api_key=upsecret0011',
      /config\.targets\[0\]\.api_key is written out/,
    ],
    [
      'laptop',
      'config.classifier.tls.key=-----BEGIN PRIVATE KEY-----',
      /config\.classifier\.tls\.key is written out/,
    ],
    ['one-gpu', 'config.auth.keys_in_redis=true', /keys_in_redis is set, but there is no Redis/],
    ['production', 'redis.enabled=true', /config\.redis names another one: keep one/],
    [
      'one-gpu',
      'controller.terminationGracePeriodSeconds=30',
      /terminationGracePeriodSeconds is 30, but .* want 75/,
    ],
    [
      'one-gpu',
      'config.decision_log.path=/var/log/d.jsonl',
      /decision_log\.path is \/var\/log\/d\.jsonl, but the root file system is read-only/,
    ],
    ['one-gpu', 'classifier.models.source=pvc', /models\.pvc\.claim has to name/],
    ['one-gpu', 'classifier.models.source=objectStore', /models\.objectStore\.uri has to name/],
    ['one-gpu', 'classifier.rollout.maxUnavailable=0', /can't both be 0/],
    [
      'one-gpu',
      'classifier.kind=external',
      /config\.policies\[\]\.url has to name your classifier's own address/,
    ],
    ['one-gpu', 'ingress.hosts=null', /hosts/],
    [
      'hybrid',
      'networkPolicy.upstreams[0].ports[0]=9000',
      /target local-8b is at http:\/\/nim-8b-0\.nim-8b\.nims:8000, and no networkPolicy\.upstreams lets port 8000 through/,
    ],
    ['hybrid', 'networkPolicy.redis=null', /redis/],
    [
      'production',
      'controller.autoscaling.maxReplicas=1',
      /controller\.autoscaling: minReplicas is above maxReplicas/,
    ],
    ['one-gpu', 'controller.strategy.rollingUpdate.maxSurge=0', /controller\.strategy.* can't both be 0/],
    ['one-gpu', 'fullnameOverride=1router', /would be called 1router, .* begin with a letter/],
    ['one-gpu', 'fullnameOverride=a.b', /would be called a\.b/],
    [
      'one-gpu',
      'commonLabels.app\\.kubernetes\\.io/instance=other',
      /commonLabels has app\.kubernetes\.io\/instance, by which/,
    ],
    [
      'one-gpu',
      'controller.podLabels.app\\.kubernetes\\.io/component=other',
      /controller\.podLabels has app\.kubernetes\.io\/component/,
    ],
    ['one-gpu', 'prometheusRule.selector=job="a', /selector is job="a, and every alert would be no PromQL/],
    ['laptop', 'config.tracing.endpoint=http://c:4318', /networkPolicy\.tracing lets nothing through/],
  ] as const)
    await assert.rejects(rendered(name, [set]), problem, `${name} ${set}`);
});

test('a variable or a file that no Secret gives is named, with what to give', async () => {
  const over = { config: { admin: { token: '${ADMIN_TOKEN}' } } };
  await assert.rejects(
    render({ values: [file('one-gpu')], over }),
    /names \$\{ADMIN_TOKEN\}.*give secrets\.env\.ADMIN_TOKEN: \{ secret: SECRET, key: KEY \}/,
  );
  const given = { ...over, secrets: { env: { ADMIN_TOKEN: { secret: 'admin', key: 'token' } } } };
  await render({ values: [file('one-gpu')], over: given });
  const withDefault = { config: { admin: { token: '${ADMIN_TOKEN:-a-default-of-24-characters}' } } };
  await render({ values: [file('one-gpu')], over: withDefault });
});

test('a placeholder may stand for what has to look a certain way, and nothing else may', async () => {
  const redis = (url: string) => ({
    config: { redis: { url } },
    networkPolicy: { redis: [{ peers: [{ namespace: 'data' }], ports: [6379] }] },
    secrets: { env: { REDIS_URL: { secret: 'redis', key: 'url' } } },
  });
  await render({ values: [file('one-gpu')], over: redis('${REDIS_URL}') });
  await render({ values: [file('one-gpu')], over: redis('redis://{{ .Release.Name }}-redis:6379/0') });
  await assert.rejects(
    render({ values: [file('one-gpu')], over: redis('http://redis:6379') }),
    /at '\/config\/redis\/url'/,
  );
});

test('a parent chart may switch it on and off, and hand down its registry and pull secrets', async () => {
  const over = {
    enabled: true,
    tags: { ai: true },
    global: { imageRegistry: 'mirror/all', imagePullSecrets: ['one', { name: 'two' }], theirs: { x: 1 } },
    imagePullSecrets: [{ name: 'own' }],
  };
  const pods = (await render({ values: [file('laptop')], over })).filter(({ kind }) => kind === 'Deployment');
  assert.ok(pods.length >= 2);
  for (const { spec } of pods) {
    assert.match(spec.template.spec.containers[0].image, /^mirror\/all\//);
    assert.deepEqual(spec.template.spec.imagePullSecrets, [
      { name: 'own' },
      { name: 'one' },
      { name: 'two' },
    ]);
  }
  const [own] = (await render({ values: [file('laptop')], over: { ...over, imageRegistry: 'own' } })).filter(
    ({ kind }) => kind === 'Deployment',
  );
  assert.match(own!.spec.template.spec.containers[0].image, /^own\//);
});

test('whatever the configuration and the environment call has to be let through', async () => {
  const jwt = { issuer: 'http://kc/', audience: 'a', jwks_url: 'http://kc.auth.svc:8080/certs' };
  const arrow = (port: number) => [{ peers: [{ namespace: 'n' }], ports: [port] }];
  const open = (port: number) => arrow(port)[0];
  const policy = (more: object) => ({ networkPolicy: { enabled: true, ...more } });
  const env = (name: string) => ({ controller: { env: { [name]: 'http://otel.obs:4318' } } });
  for (const [over, problem] of [
    [
      { config: { auth: { jwt } }, ...policy({}) },
      /config\.auth\.jwt\.jwks_url is at http:\/\/kc\.auth\.svc:8080\/certs, and no networkPolicy\.upstreams lets port 8080/,
    ],
    [{ ...env('OTEL_EXPORTER_OTLP_ENDPOINT'), ...policy({}) }, /networkPolicy\.tracing lets nothing through/],
    [
      {
        config: {
          object_store: {
            endpoint: 'http://minio.data:9000',
            bucket: 'records',
            access_key_id: 'i',
            secret_access_key: 's',
          },
        },
        ...policy({}),
      },
      /config\.object_store\.endpoint is at http:\/\/minio\.data:9000, and no networkPolicy\.upstreams lets port 9000/,
    ],
    [
      {
        config: { notify: { webhooks: [{ name: 'ops', url: 'http://hooks.ops:9000/private' }] } },
        ...policy({}),
      },
      /webhook ops is at http:\/\/hooks\.ops:9000, and no networkPolicy\.upstreams lets port 9000/,
    ],
    [
      { ...env('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'), ...policy({ tracing: arrow(4317) }) },
      /no networkPolicy\.tracing lets port 4318 through/,
    ],
    [
      {
        controller: { extraEnv: [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'otel.obs:4317' }] },
        ...policy({ tracing: arrow(4318) }),
      },
      /the collector of traces is at otel\.obs:4317, and no networkPolicy\.tracing lets port 4317/,
    ],
    [
      { controller: { env: { HTTPS_PROXY: 'http://proxy.corp:3128' } }, ...policy({}) },
      /the proxy of controller\.env is at http:\/\/proxy\.corp:3128, .*networkPolicy\.upstreams lets port 3128/,
    ],
    [
      {
        config: {
          targets: [{ name: 'a', api_base: 'https://a', model: 'm', proxy: 'http://proxy.corp:3128' }],
        },
        ...policy({}),
      },
      /the proxy of target a is at http:\/\/proxy\.corp:3128/,
    ],
  ] as const)
    await assert.rejects(render({ values: [file('laptop')], over }), problem);
  const good = await render({
    values: [file('laptop')],
    over: {
      config: { auth: { jwt } },
      ...env('OTEL_EXPORTER_OTLP_ENDPOINT'),
      ...policy({ tracing: arrow(4318), upstreams: [open(443), open(8080), open(8000)] }),
    },
  });
  const { egress } = good.find(
    ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name.endsWith('-controller'),
  )!.spec;
  const ports = egress.flatMap(({ ports }: { ports: { port: number }[] }) => ports.map(({ port }) => port));
  for (const port of [8080, 4318]) assert.ok(ports.includes(port), String(port));
});

test('Redis, its Sentinels, its nodes, and a classifier of one’s own are let through by their own ports', async () => {
  const arrow = (...ports: number[]) => [{ peers: [{ namespace: 'n' }], ports }];
  const redis = (redis: object, ...ports: number[]) => ({
    redis: { enabled: false },
    config: { redis },
    networkPolicy: { enabled: true, redis: arrow(...ports) },
  });
  const own = (url: string, port: number, more: object = {}) => ({
    classifier: { kind: 'external' },
    config: {
      ...more,
      targets: [{ name: 'a', api_base: 'https://llm', model: 'm' }],
      policies: [{ name: 'p', url, llms: [{ name: 'l', target: 'a' }] }],
      default_policy: 'p',
    },
    networkPolicy: { enabled: true, classifier: arrow(port) },
  });
  const node = (port: number) => ({ host: 'h', port });
  const upgraded = { classifier: { upgrade_http_to_grpc: true } };
  const http = 'http://t:8000/v2/models/m/infer';
  for (const [over, problem] of [
    [redis({ url: 'rediss://r:6380' }, 6379), /config\.redis\.url is at rediss:\/\/r:6380, .*port 6380/],
    [redis({ url: 'redis://r' }, 6380), /lets port 6379 through/],
    [
      redis({ sentinels: [node(26379), node(26380)] }, 26379),
      /one of config\.redis\.sentinels is at h:26380/,
    ],
    [redis({ cluster: [node(7001)] }, 6379), /one of config\.redis\.cluster is at h:7001/],
    [redis({ cluster: [node(6379)], address_map: { 'a:1': 'b:7009' } }, 6379), /address_map is at b:7009/],
    [own('grpc://t:9001/m', 8001), /the classifier of policy p is at grpc:\/\/t:9001\/m, .*port 9001/],
    [own(http, 8001), /lets port 8000/],
    [own(http, 8000, upgraded), /lets port 8001/],
  ] as const)
    await assert.rejects(render({ values: [file('laptop')], over }), problem);
  for (const over of [
    redis({ url: '${REDIS_URL}' }, 6379),
    redis({ url: 'rediss://r:6380/1' }, 6380),
    redis({ sentinels: [node(26379)] }, 26379, 6379),
    own(http, 8001, upgraded),
    own('grpc://[fd00::1]:8001/m', 8001),
  ])
    await render({
      values: [file('laptop')],
      over: { ...over, controller: { env: { REDIS_URL: 'redis://elsewhere' } } },
    });
});

test('an address with a default is judged by it, and one known only in the pod is taken', async () => {
  const targets = (api_base: string) => ({
    config: {
      targets: [{ name: 'a', api_base, model: 'm' }],
      policies: [{ name: 'p', url: 'grpc://c:8001/m', llms: [{ name: 'l', target: 'a' }] }],
      default_policy: 'p',
    },
    controller: { env: { HOST: 'llm.example.com' } },
    networkPolicy: { enabled: true },
  });
  for (const base of ['${LLM_API_BASE:-https://llm.example.com}', 'https://${HOST}/v1'])
    await render({ values: [file('laptop')], over: targets(base) });
  await assert.rejects(
    render({ values: [file('laptop')], over: targets('${LLM_API_BASE:-https://llm.example.com:9443}') }),
    /no networkPolicy\.upstreams lets port 9443 through/,
  );
});
