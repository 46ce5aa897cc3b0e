/** Readers run the examples with a Node of their own: the oldest that the router is installed by must do. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../parts/lib.ts';

/** What Node 20 has not, as it is written. */
const NEWER =
  /\b(?:import\.meta\.main|Promise\.(?:withResolvers|try)|Array\.fromAsync|Object\.groupBy|Map\.groupBy|globSync|parseEnv|styleText|await using|new WebSocket|node:sqlite)\b/;

test('examples need nothing that Node 20 has not', () => {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  assert.equal(engines.node, '>=20');
  const files = globSync('examples/**/*.{js,mjs}', { cwd: ROOT, exclude: ['**/node_modules/**'] });
  assert.ok(files.length >= 5);
  for (const file of files)
    assert.doesNotMatch(readFileSync(join(ROOT, file), 'utf8'), NEWER, `${file} does not run on Node 20`);
  assert.match('if (import.meta.main) {', NEWER);
});
