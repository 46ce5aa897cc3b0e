import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AdminDeps, createAdminApp } from '../admin.ts';
import type { AppDeps } from '../app.ts';
import { createApp } from '../app.ts';
import { PASSED } from '../endpoints.ts';
import { ADMIN_OPERATIONS, adminApi } from './admin.ts';
import { adminShapes } from './admin-shapes.ts';
import { openApi } from './document.ts';
import { OPERATIONS } from './operations.ts';
import { openApiPage } from './page.ts';

interface Layer {
  readonly route?: {
    readonly path: string | readonly string[];
    readonly methods: Readonly<Record<string, boolean>>;
  };
}

/** For apps of which nothing is asked. */
const deps = {
  config: () => ({ file: { server: { trusted_proxies: [], workers: 1 }, auth: { failures_per_minute: 1 } } }),
  metrics: { registry: {} },
} as unknown as AppDeps & AdminDeps;

function routes(app: unknown): string[] {
  const { stack } = (app as { router: { stack: Layer[] } }).router;
  return stack.flatMap(({ route }) =>
    // What answers every method refuses it, or passes it on.
    route && !route.methods.propfind
      ? [route.path]
          .flat()
          .flatMap((path) => Object.keys(route.methods).map((method) => `${method} ${plain(path)}`))
      : [],
  );
}

const plain = (path: string) => path.replaceAll(/[:*](\w+)/g, '{$1}');

test('every route of the app is described, and nothing else but what is passed on', () => {
  const described = OPERATIONS.filter(({ tag }) => tag !== 'passed').map(
    ({ method, path }) => `${method} ${path}`,
  );
  assert.deepEqual([...new Set(described)].sort(), [...new Set(routes(createApp(deps)))].sort());
  const passed = OPERATIONS.filter(({ tag }) => tag === 'passed');
  assert.ok(passed.every(({ path }) => PASSED.some((each) => path.startsWith(each.replace('*rest', '')))));
});

test('every route of the admin API is described, and nothing else', () => {
  const described = ADMIN_OPERATIONS.map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(described.sort(), routes(createAdminApp(deps)).sort());
});

for (const [name, make, { length }] of [
  ['router’s', openApi, OPERATIONS],
  ['admin API’s', adminApi, ADMIN_OPERATIONS],
] as const)
  test(`the ${name} description refers to nothing that is missing, and names each operation once`, () => {
    const document = make('1.2.3') as {
      components: { schemas: Record<string, unknown> };
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    const text = JSON.stringify(document);
    const used = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, each]) => each!));
    for (const each of used) assert.ok(document.components.schemas[each], each);
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    );
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(ids.length, length);
  });

test('every shape of the admin API is used', () => {
  const text = JSON.stringify(adminApi('1.2.3'));
  for (const name of Object.keys(adminShapes())) assert.ok(text.includes(`schemas/${name}"`), name);
});

test('the page has every operation, and no script', () => {
  const page = openApiPage('1.2.3');
  for (const { path } of OPERATIONS) assert.ok(page.includes(path), path);
  assert.doesNotMatch(page, /<script|javascript:|https?:\/\//i);
});
