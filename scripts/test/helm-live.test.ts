/** What the chart starts, started for real: Redis' script, the pod of `helm test`, Triton's arguments, Helm's own look at a cluster. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { CHART } from '../../deploy/helm/src/files.ts';
import { hashKey, newKey } from '../../services/router-controller/src/authenticate/index.ts';
import { startClassifier, startWhole, type Whole } from '../../services/router-controller/test/harness.ts';
import { helm, type Manifest, pick, render, valueArgs, valuesFiles } from '../deploy/chart.ts';
import { routerYaml } from '../deploy/router-config.ts';
import { findProgram } from '../parts/debian.ts';
import { freePort } from '../parts/process.ts';
import { setupRedis } from '../parts/redis.ts';
import { setupTriton } from '../parts/triton.ts';
import { until } from './processes.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'llm-router-helm-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const laptop = valuesFiles().get('laptop')!;

/** Files of a pod's ConfigMap under a folder, with the pod's paths turned into paths below it. */
function unpack(
  data: Readonly<Record<string, string>>,
  into: string,
  paths: Readonly<Record<string, string>>,
): void {
  for (const [name, text] of Object.entries(data)) {
    // All at once: what has been put in may hold another one's name.
    const moved = text.replaceAll(new RegExp(Object.keys(paths).join('|'), 'g'), (found) => paths[found]!);
    mkdirSync(dirname(join(into, name)), { recursive: true });
    writeFileSync(join(into, name), moved);
  }
}

test('the trial Redis starts, keeps its data, and wants its password, whatever is in it', async () => {
  const server = await setupRedis();
  const cli = findProgram('redis-cli') ?? findProgram('valkey-cli');
  assert.ok(cli, 'redis-cli comes with redis-server’s package');
  const password = 'quote " backslash \\ dollar $HOME space';
  const port = await freePort();
  const config = pick(await render({ values: [laptop] }), 'ConfigMap', '-redis').data!;
  const [data, etc, tmp] = ['data', 'etc', 'tmp'].map((name) => join(folder, 'redis', name)) as [
    string,
    string,
    string,
  ];
  for (const each of [data, tmp]) mkdirSync(each, { recursive: true });
  unpack(config, etc, {
    '/etc/redis': etc,
    '/tmp': tmp,
    'dir /data': `dir ${data}`,
    'port 6379': `bind 127.0.0.1\nport ${port}`,
    'exec redis-server': `exec ${server}`,
  });
  const start = () =>
    spawn('sh', [join(etc, 'start.sh')], {
      env: { ...process.env, REDIS_PASSWORD: password },
      stdio: 'ignore',
    });
  const ask = async (...args: string[]) => {
    const env = { ...process.env, REDISCLI_AUTH: password };
    return (await run(cli, ['-p', String(port), '--no-auth-warning', ...args], { env })).stdout.trim();
  };
  const up = () =>
    until(
      async () => (await ask('ping').catch(() => '')) === 'PONG',
      () => 'Redis does not answer',
    );
  let child = start();
  try {
    await up();
    const stranger = await run(cli, ['-p', String(port), 'ping'], { env: { PATH: process.env.PATH } });
    assert.match(stranger.stdout, /NOAUTH/);
    assert.equal(await ask('set', 'kept', 'yes'), 'OK');
    assert.match(await ask('config', 'get', 'maxmemory-policy'), /noeviction/);
    child.kill('SIGTERM');
    await once(child, 'exit');
    child = start();
    await up();
    assert.equal(await ask('get', 'kept'), 'yes');
  } finally {
    child.kill('SIGKILL');
  }
});

/** Runs the pod of `helm test` as the cluster would, against a router here. @returns what it says and how it ends. */
async function helmTest(
  manifests: readonly Manifest[],
  url: string,
  key?: string,
): Promise<{ code: number; said: string }> {
  const [container] = pick(manifests, 'Pod', '-test').spec.containers;
  assert.deepEqual(container.command, ['node', '-e']);
  const given = (container.env as { name: string; value?: string }[]).map(({ name, value }) => [
    name,
    value ?? key,
  ]);
  const env = { ...Object.fromEntries(given), ROUTER_URL: url, TRIES: '3' };
  const child = spawn(process.execPath, ['-e', ...container.args], { env });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const [code] = await once(child, 'close');
  return { code, said };
}

/** A router of the rendered configuration on loopback, with a real classifier and stand-in models. */
async function routerOf(manifests: readonly Manifest[], classifierUrl: string): Promise<Whole> {
  const config = routerYaml(manifests).replace('host: 0.0.0.0', 'host: 127.0.0.1');
  return startWhole({ config, classifierUrl });
}

test('helm test passes on a router of the chart’s configuration, and fails where the door or the key is wrong', async () => {
  const classifier = await startClassifier();
  const key = newKey();
  const common = ['redis.enabled=false', 'config.server.drain_delay_ms=0'];
  const open = await render({ values: [laptop], set: common });
  const keys = [{ id: 'key_of_test', hash: hashKey(key), tenant: 'lab' }];
  const shut = await render({
    values: [laptop],
    set: [...common, 'test.keySecret.name=client'],
    over: { config: { auth: { mode: 'auto', keys } } },
  });
  const classifierUrl = `grpc://${classifier.grpc}`;
  const openRouter = await routerOf(open, classifierUrl);
  const shutRouter = await routerOf(shut, classifierUrl);
  try {
    const passed = await helmTest(open, openRouter.url);
    assert.equal(passed.code, 0, passed.said);
    assert.match(
      passed.said,
      /GET \/readyz: 200 .*"ready"[\s\S]*POST \/v1\/route: 200 .*"label":"Code Generation"/,
    );
    const withKey = await helmTest(shut, shutRouter.url, key);
    assert.equal(withKey.code, 0, withKey.said);
    assert.match(withKey.said, /without a key: 401[\s\S]*POST \/v1\/route: 200/);
    for (const [manifests, url, used, problem] of [
      [shut, openRouter.url, key, /a caller without a key got 200, not 401/],
      [shut, shutRouter.url, newKey(), /failed: no decision/],
      [open, shutRouter.url, undefined, /POST \/v1\/route: 401[\s\S]*no decision/],
      [open, 'http://127.0.0.1:1', undefined, /failed: http:\/\/127\.0\.0\.1:1\/readyz/],
    ] as const) {
      const { code, said } = await helmTest(manifests, url, used);
      assert.equal(code, 1, said);
      assert.match(said, problem);
    }
    assert.ok(
      !/hook-succeeded/.test(JSON.stringify(pick(open, 'Pod', '-test').metadata)),
      '--logs finds its pod',
    );
    await classifier.close();
    const alone = await helmTest(open, openRouter.url);
    assert.equal(alone.code, 1, alone.said);
    assert.match(alone.said, /failed: the classifier does not answer/);
  } finally {
    await Promise.all([openRouter.stop(), shutRouter.stop()]);
    await classifier.close();
  }
});

test('Triton and router-server know every argument that the chart gives them', async () => {
  const args = async (name: string): Promise<string[]> => {
    const manifests = await render({ values: [valuesFiles().get(name)!] });
    const [{ args: given }] = pick(manifests, 'Deployment', '-classifier').spec.template.spec.containers;
    return given.filter((each: string) => each.startsWith('--')).map((each: string) => each.split('=')[0]!);
  };
  const { binary, env } = await setupTriton();
  const triton = await run(binary, ['--help'], { env: { ...process.env, ...env } }).catch((error) => error);
  for (const flag of await args('one-gpu'))
    assert.match(`${triton.stdout}${triton.stderr}`, new RegExp(`^\\s+${flag} `, 'm'), flag);
  const small = await run(process.execPath, ['services/router-server/src/main.ts', '--help']);
  for (const flag of await args('laptop')) assert.match(small.stdout, new RegExp(`${flag} `), flag);
});

/** As much of Kubernetes' API as Helm asks for: which kinds there are, and the objects that exist. */
async function fakeCluster(kinds: readonly Manifest[], there: readonly Manifest[]) {
  const versions = [...new Set(kinds.map(({ apiVersion }) => apiVersion))];
  const resources = (groupVersion: string) => ({
    kind: 'APIResourceList',
    groupVersion,
    resources: [
      ...new Set(kinds.filter((each) => each.apiVersion === groupVersion).map(({ kind }) => kind)),
    ].map((kind) => ({ name: `${kind.toLowerCase()}s`, kind, namespaced: true, verbs: ['get', 'list'] })),
  });
  const groups = versions
    .filter((each) => each.includes('/'))
    .map((groupVersion) => {
      const [name, version] = groupVersion.split('/');
      return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
    });
  const answers: Record<string, object> = {
    '/version': { major: '1', minor: '30', gitVersion: 'v1.30.0' },
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': { kind: 'APIGroupList', groups },
    ...Object.fromEntries(
      versions.map((each) => [each.includes('/') ? `/apis/${each}` : `/api/${each}`, resources(each)]),
    ),
    ...Object.fromEntries(
      there.map((each) => {
        const root = each.apiVersion.includes('/') ? 'apis' : 'api';
        const kind = `${each.kind.toLowerCase()}s`;
        return [`/${root}/${each.apiVersion}/namespaces/llm/${kind}/${each.metadata.name}`, each];
      }),
    ),
  };
  const server = createServer((request, response) => {
    const found = answers[new URL(request.url!, 'http://cluster').pathname];
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    const missing = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
    response.end(JSON.stringify(found ?? missing));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    flags: [`--kube-apiserver=http://127.0.0.1:${port}`, '--disable-openapi-validation', '--namespace=llm'],
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

test('after an install the user reads where the router is, and what to mind', async () => {
  const kinds = (
    await Promise.all([...valuesFiles().values()].map((each) => render({ values: [each] })))
  ).flat();
  const cluster = await fakeCluster(kinds, []);
  const notes = async (name: string, over: object = {}) => {
    const { code, out, err } = await helm(
      [
        'install',
        'r',
        CHART,
        '--dry-run=client',
        ...cluster.flags,
        `--values=${valuesFiles().get(name)!}`,
        '--values=-',
      ],
      JSON.stringify(over),
    );
    assert.equal(code, 0, err);
    return out.slice(out.indexOf('NOTES:'));
  };
  try {
    const laptop = await notes('laptop');
    assert.match(laptop, /rollout status deployment\/r-llm-router-controller/);
    assert.match(laptop, /http:\/\/r-llm-router\.llm:8084\/v1/);
    assert.match(laptop, /WARNING: config\.auth\.mode is open/);
    assert.match(laptop, /WARNING: the Redis of this release is for trials/);
    const hybrid = await notes('hybrid');
    assert.match(hybrid, /https:\/\/llm\.example\.com\/v1/);
    assert.match(hybrid, /"Authorization: Bearer \$KEY"/);
    assert.match(hybrid, /goes by llm_router_in_flight/);
    assert.doesNotMatch(hybrid, /WARNING/);
    const limits = [{ name: 'all', scope: 'global', requests_per_minute: 60 }];
    const alone = { config: { limits }, controller: { replicas: 2 }, networkPolicy: { enabled: false } };
    const two = await notes('one-gpu', alone);
    assert.match(two, /WARNING: limits and budgets are set, and there is no Redis/);
    assert.match(two, /WARNING: networkPolicy is off/);
  } finally {
    cluster.close();
  }
});

test('an autoscaler that is switched on finds as many pods as there are, and a fresh release as many as it wants at least', async () => {
  const account = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'llm' },
  };
  const deployment = (replicas: number): Manifest => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'r-llm-router-controller', namespace: 'llm' },
    spec: { replicas },
  });
  for (const [there, wanted] of [
    [[account, deployment(6)], 6],
    [[account, deployment(1)], 3],
    [[account, deployment(50)], 20],
    [[account], 3],
    // Rendered without a cluster: nobody works against the autoscaler.
    [[], undefined],
  ] as const) {
    const cluster = await fakeCluster([account, deployment(1)], there);
    try {
      const { code, out, err } = await helm([
        ...['template', 'r', CHART, '--dry-run=server', ...cluster.flags],
        '--show-only=templates/controller/deployment.yaml',
        ...valueArgs({ values: [valuesFiles().get('production')!] }),
      ]);
      assert.equal(code, 0, err);
      const found = /^ {2}replicas: (\d+)$/m.exec(out)?.[1];
      assert.equal(found && Number(found), wanted, `${there.length} objects`);
    } finally {
      cluster.close();
    }
  }
});

test('the trial Redis: another size is refused with the one it has; another password rolls it and the controllers', async () => {
  const volume = (size: string): Manifest => ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'r-llm-router-redis', namespace: 'llm' },
    spec: { volumeClaimTemplates: [{ spec: { resources: { requests: { storage: size } } } }] },
  });
  const secret = (password: string): Manifest => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'mine', namespace: 'llm' },
    data: { password: Buffer.from(password).toString('base64') },
  });
  const rendered = async (...there: Manifest[]) => {
    const cluster = await fakeCluster([volume('1Gi'), secret('')], there);
    try {
      return await helm([
        ...['template', 'r', CHART, '--dry-run=server', ...cluster.flags],
        ...valueArgs({ values: [laptop], set: ['redis.existingSecret=mine'] }),
      ]);
    } finally {
      cluster.close();
    }
  };
  const traces = (out: string) => out.match(/llm-router\/(settings|redis-password): .*/g);
  const fresh = await rendered();
  assert.equal(fresh.code, 0, fresh.err);
  const one = traces((await rendered(volume('1Gi'), secret('one'))).out);
  assert.equal(one?.length, 2);
  assert.deepEqual(traces((await rendered(volume('1Gi'), secret('one'))).out), one);
  const two = traces((await rendered(volume('1Gi'), secret('two'))).out)!;
  for (const [index, trace] of one!.entries()) assert.notEqual(two[index], trace);
  const larger = await rendered(volume('8Gi'), secret('one'));
  assert.notEqual(larger.code, 0);
  assert.match(larger.err, /redis\.persistence\.size is 1Gi, but the volume of this release has 8Gi/);
});

test('an upgrade keeps the password that the first install made', async () => {
  const known = Buffer.from('the-password-of-before').toString('base64');
  const secret: Manifest = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'r-llm-router-redis', namespace: 'llm' },
    data: { password: known },
  };
  for (const there of [[secret], []]) {
    const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'any' } };
    const cluster = await fakeCluster([secret, set], there);
    try {
      const { code, out, err } = await helm([
        'template',
        'r',
        CHART,
        '--dry-run=server',
        ...cluster.flags,
        '--show-only=templates/redis/redis.yaml',
        ...valueArgs({ values: [laptop] }),
      ]);
      assert.equal(code, 0, err);
      assert.equal(out.includes(`password: ${known}`), there.length > 0, out.slice(0, 1000));
    } finally {
      cluster.close();
    }
  }
});
