import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppDeps } from '../app.ts';
import { createApp } from '../app.ts';
import { PASSED } from '../endpoints.ts';
import { openApi } from './document.ts';
import { OPERATIONS } from './operations.ts';
import { openApiPage } from './page.ts';

interface Layer {
  readonly route?: {
    readonly path: string | readonly string[];
    readonly methods: Readonly<Record<string, boolean>>;
  };
}

/** Routes of an app of which nothing is asked. */
function routes(): string[] {
  const deps = {
    config: () => ({ file: { server: { trusted_proxies: [] } } }),
    metrics: { registry: {} },
  } as unknown as AppDeps;
  const stack = (createApp(deps) as unknown as { router: { stack: Layer[] } }).router.stack;
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
  assert.deepEqual([...new Set(described)].sort(), [...new Set(routes())].sort());
  const passed = OPERATIONS.filter(({ tag }) => tag === 'passed');
  assert.ok(passed.every(({ path }) => PASSED.some((each) => path.startsWith(each.replace('*rest', '')))));
});

test('the description refers to nothing that is missing, and names each operation once', () => {
  const document = openApi('1.2.3') as {
    components: { schemas: Record<string, unknown> };
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  const text = JSON.stringify(document);
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
    assert.ok(document.components.schemas[name!], name);
  const ids = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length, OPERATIONS.length);
});

test('the page has every operation, and no script', () => {
  const page = openApiPage('1.2.3');
  for (const { path } of OPERATIONS) assert.ok(page.includes(path), path);
  assert.doesNotMatch(page, /<script|javascript:|https?:\/\//i);
});
