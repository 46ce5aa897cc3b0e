import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearChanges } from './near-changes.ts';
import type { Suite } from './suites.ts';

const suite = (name: string, read: Suite['read']): Suite => ({
  ...{ name, read, command: '', args: [], needs: [], minutes: 1 },
});

test('the checks of all code stay, and of tests those in the folder of a change', () => {
  const suites = [
    suite('types (tsc)', 'exit'),
    suite('services/a/src/x.test.ts', 'node'),
    suite('services/a/src/deep/y.test.ts', 'node'),
    suite('services/b/src/z.test.ts', 'node'),
  ];
  const names = (changed: readonly string[]) => nearChanges(suites, changed).map(({ name }) => name);
  assert.deepEqual(names(['services/a/src/x.ts', 'README.md']), ['types (tsc)', 'services/a/src/x.test.ts']);
  assert.deepEqual(names([]), ['types (tsc)']);
});
