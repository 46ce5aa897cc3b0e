import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { ROOT } from '../parts/lib.ts';
import { quickSuites, wholeSuites } from './suite-table.ts';

test('every file of tests is in one suite, wherever it lies', () => {
  const files = globSync('{docs,protos,scripts,services}/**/*.test.ts', {
    cwd: ROOT,
    exclude: (name) => ['node_modules', '.cache'].includes(String(name).split('/').at(-1)!),
  });
  const suites = [...quickSuites(), ...wholeSuites()]
    .map(({ name }) => name)
    .filter((name) => name.endsWith('.test.ts'));
  assert.ok(files.length > 200);
  assert.deepEqual(suites.toSorted(), files.toSorted());
});
