/** The chart's network policies: the arrows that exist, on both ends, and no other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrows } from '../deploy/arrows.ts';
import { type Manifest, render, valuesFiles } from '../deploy/chart.ts';
import { readRouterConfig } from '../deploy/router-config.ts';
import { RULES } from '../deploy/rules.ts';

const PUBLIC = '0.0.0.0/0 but 10.0.0.0/8 100.64.0.0/10 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16';
const PUBLIC_6 = '::/0 but fc00::/7 fe80::/10';
const namespace = (name: string) => `ns(kubernetes.io/metadata.name=${name})`;
const DNS = `${namespace('kube-system')} pods(k8s-app=kube-dns)`;

/** What every release has, with DNS where it is. */
const always = (dns: string, port: number) => ({
  out: [
    ...['controller', 'test'].flatMap((part) => [
      `${part} → ${dns} TCP ${port}`,
      `${part} → ${dns} UDP ${port}`,
    ]),
    'controller → classifier TCP 8001',
    'test → controller TCP 8084',
  ],
  in: ['controller → classifier TCP 8001', 'test → controller TCP 8084'],
});

const EXPECTED: Readonly<Record<string, { dns?: [string, number]; out: string[]; in: string[] }>> = {
  laptop: {
    out: [
      'controller → redis TCP 6379',
      `controller → ${PUBLIC} TCP 443`,
      `controller → ${PUBLIC_6} TCP 443`,
    ],
    in: ['controller → redis TCP 6379'],
  },
  'one-gpu': {
    out: [`controller → ${PUBLIC} TCP 443`, `controller → ${PUBLIC_6} TCP 443`],
    in: [
      `${namespace('ingress-nginx')} → controller TCP 8084`,
      `${namespace('monitoring')} → controller TCP 8084`,
      `${namespace('monitoring')} → classifier TCP 8002`,
    ],
  },
  production: {
    out: [
      `controller → ${PUBLIC} TCP 443`,
      `controller → ${PUBLIC_6} TCP 443`,
      `controller → ${namespace('data')} pods(app.kubernetes.io/name=redis) TCP 6379`,
      `controller → ${namespace('observability')} TCP 4318`,
    ],
    in: [
      `${namespace('gateways')} → controller TCP 8084`,
      `${namespace('monitoring')} pods(app.kubernetes.io/name=prometheus) → controller TCP 8084`,
      `${namespace('monitoring')} pods(app.kubernetes.io/name=prometheus) → classifier TCP 8002`,
    ],
  },
  openshift: {
    dns: [namespace('openshift-dns'), 5353],
    out: [
      'controller → redis TCP 6379',
      `controller → ${PUBLIC} TCP 443`,
      `controller → ${PUBLIC_6} TCP 443`,
    ],
    in: [
      'controller → redis TCP 6379',
      'ns(policy-group.network.openshift.io/ingress=) → controller TCP 8084',
      'ns(policy-group.network.openshift.io/host-network=) → controller TCP 8084',
      `${namespace('openshift-user-workload-monitoring')} → controller TCP 8084`,
      `${namespace('openshift-user-workload-monitoring')} → classifier TCP 8002`,
    ],
  },
  hybrid: {
    out: [
      `controller → ${namespace('nims')} TCP 8000`,
      `controller → ${PUBLIC} TCP 443`,
      `controller → ${PUBLIC_6} TCP 443`,
      `controller → ${namespace('data')} TCP 6379`,
    ],
    in: [
      `${namespace('ingress-nginx')} → controller TCP 8084`,
      `${namespace('monitoring')} → controller TCP 8084`,
      `${namespace('monitoring')} → classifier TCP 8002`,
    ],
  },
};

const files = valuesFiles();
const rendered = (name: string, set: readonly string[] = []) => render({ values: [files.get(name)!], set });

test('each values file has exactly its arrows', async () => {
  assert.deepEqual([...files.keys()].sort(), Object.keys(EXPECTED).sort());
  for (const [name, { dns = [DNS, 53] as [string, number], ...own }] of Object.entries(EXPECTED)) {
    const base = always(...dns);
    const manifests = await rendered(name);
    assert.deepEqual(
      arrows(manifests),
      { out: [...base.out, ...own.out].sort(), in: [...base.in, ...own.in].sort() },
      name,
    );
    assert.deepEqual(RULES.network!(manifests), [], name);
  }
});

test('an arrow between two parts of the release is let through at both of its ends', async () => {
  const parts = new Set(['controller', 'classifier', 'redis', 'test']);
  const inner = (list: readonly string[]) =>
    list.filter((arrow) => {
      const [, from, to] = /^(\S+) → (\S+) TCP \d+$/.exec(arrow) ?? [];
      return parts.has(from!) && parts.has(to!);
    });
  for (const name of files.keys()) {
    const { out, in: into } = arrows(await rendered(name));
    assert.deepEqual(inner(out), inner(into), name);
    assert.ok(inner(out).length >= 2);
  }
});

test('Triton may call nothing, unless it fetches its models from an object store', async () => {
  const from = (manifests: Manifest[]) =>
    arrows(manifests).out.filter((arrow) => arrow.startsWith('classifier'));
  assert.deepEqual(from(await rendered('one-gpu')), []);
  const fetching = await rendered('one-gpu', [
    'classifier.models.source=objectStore',
    'classifier.models.objectStore.uri=store:models/model_repository',
  ]);
  assert.deepEqual(from(fetching), [
    `classifier → ${PUBLIC} TCP 443`,
    `classifier → ${PUBLIC_6} TCP 443`,
    `classifier → ${DNS} TCP 53`,
    `classifier → ${DNS} UDP 53`,
  ]);
});

test('a classifier that is asked by HTTP is reached on 8000, and not on 8001', async () => {
  assert.ok(arrows(await rendered('one-gpu')).out.includes('controller → classifier TCP 8001'));
  const overHttp = await render({
    values: [files.get('one-gpu')!, 'scripts/test/fixtures/http-classifier.yaml'],
  });
  const { out, in: into } = arrows(overHttp);
  assert.ok(
    out.includes('controller → classifier TCP 8000') && into.includes('controller → classifier TCP 8000'),
  );
  assert.ok(![...out, ...into].includes('controller → classifier TCP 8001'));
  const [policy] = (await readRouterConfig(overHttp)).table.policies.values();
  assert.equal(policy!.endpoints[0]!.address, 'http://r-llm-router-classifier-headless:8000');
});

test('the admin API is reached by those who are named, on its own port, and by nobody while it listens on loopback', async () => {
  const set = ['networkPolicy.admin[0].namespace=operators'];
  assert.ok(!arrows(await rendered('production', set)).in.some((arrow) => arrow.includes('8085')));
  const manifests = await rendered('production', [...set, 'config.admin.host=0.0.0.0']);
  assert.ok(arrows(manifests).in.includes(`${namespace('operators')} → controller TCP 8085`));
  assert.ok(manifests.some(({ kind, metadata }) => kind === 'Service' && metadata.name.endsWith('-admin')));
});

test('an outside classifier is reached where it is, and none is made', async () => {
  const manifests = await render({
    values: [files.get('one-gpu')!, 'scripts/test/fixtures/external-classifier.yaml'],
  });
  assert.ok(arrows(manifests).out.includes(`controller → ${namespace('triton')} TCP 8001`));
  assert.ok(!manifests.some(({ metadata }) => metadata.name.includes('classifier')));
  const [policy] = (await readRouterConfig(manifests)).table.policies.values();
  assert.deepEqual(policy!.endpoints, [
    { protocol: 'grpcs', address: 'triton.triton:8001', model: 'task_router_ensemble' },
  ]);
});
