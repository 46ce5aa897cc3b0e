import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERRORS } from '../../services/router-controller/src/errors.ts';
import { CATALOGUE } from '../../services/router-controller/src/observe/catalogue.ts';
import { ROOT } from '../parts/lib.ts';
import { configurationPage } from './configuration.ts';
import { errorsPage } from './errors.ts';
import { metricsPage } from './metrics.ts';

test('every error and every metric has a row', () => {
  const errors = errorsPage();
  for (const code of Object.keys(ERRORS)) assert.match(errors, new RegExp(`^\\| \`${code}\` \\|`, 'm'));
  const metrics = metricsPage();
  for (const { name } of Object.values(CATALOGUE))
    assert.match(metrics, new RegExp(`^\\| \`${name}\` \\|`, 'm'));
});

test('the configuration page shows type, bounds, default and words, at the path where the key stands', () => {
  const page = configurationPage({
    properties: {
      port: { type: 'integer', minimum: 0, maximum: 65535, default: 8084, description: 'a | b' },
      list: {
        type: 'array',
        items: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      },
    },
  });
  assert.match(page, /^\| `port` \| integer 0…65535 \| `8084` \| a \\\| b \|$/m);
  assert.match(page, /^## `list\[\]`\n\n\| key .*\n.*\n\| `name` \| string \| needed \| {2}\|$/m);
});

test('every reason of a decision is explained', () => {
  const source = readFileSync(join(ROOT, 'services/router-controller/src/request.ts'), 'utf8')
    // Comments have semicolons, too.
    .replaceAll(/\/\/.*$/gm, '');
  const [, union] = /export type DecisionReason =([\s\S]*?);/.exec(source)!;
  const reasons = [...union!.matchAll(/\| '(\w+)'/g)].map(([, reason]) => reason!);
  assert.ok(reasons.length > 10);
  const page = readFileSync(join(ROOT, 'docs/explanation/how-a-decision-is-made.md'), 'utf8');
  for (const reason of reasons) assert.match(page, new RegExp(`^\\|.*\`${reason}\`.* \\|`, 'm'));
});
