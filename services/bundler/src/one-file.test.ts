import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { freshBundle } from './index.ts';

const TELL = `
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    if (!url.startsWith('node:')) console.log(url);
    return next(url, context);
  },
});`;

test('the controller is one file: what is loaded on first need is not loaded with it', async () => {
  const file = await freshBundle('router-controller');
  // Told of no configuration it ends when all its modules have run.
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(TELL)}`, file],
    { encoding: 'utf8' },
  );
  assert.match(stderr, /--config FILE is missing/);
  assert.deepEqual(stdout.trim().split('\n'), [pathToFileURL(file).href]);
});
