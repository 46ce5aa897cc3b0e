import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../parts/lib.ts';
import { FOLDER, REPORTS, TERMINALS } from './list.ts';

const NAMES = [...Object.keys(TERMINALS), ...Object.keys(REPORTS)];

test('every capture is there, nothing else is, and a page shows each', () => {
  assert.deepEqual(readdirSync(join(ROOT, FOLDER)).sort(), NAMES.toSorted());
  const pages = globSync('docs/**/*.md', {
    cwd: ROOT,
    exclude: (name) => String(name).includes('node_modules'),
  })
    .map((page) => readFileSync(join(ROOT, page), 'utf8'))
    .join('\n');
  for (const name of NAMES) assert.ok(pages.includes(`captures/${name})`), `no page shows ${name}`);
});
