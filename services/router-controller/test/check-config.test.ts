/** `npm run check-config` takes every file that is shipped, as CI asks it: without secrets. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../../..');
const FILES = readdirSync(join(ROOT, 'config')).filter((name) => name.endsWith('.yaml'));
/** Nothing that the files name is set. */
const { PATH, HOME } = process.env;

test('there are files to check', () => assert.ok(FILES.length >= 3, FILES.join()));

for (const name of FILES) {
  test(`config/${name} is right without its secrets`, async () => {
    const { stdout } = await promisify(execFile)(
      'npm',
      ['run', '-s', 'check-config', '--', `config/${name}`, '--allow-missing-secrets'],
      { cwd: ROOT, env: { PATH, HOME } },
    );
    assert.match(stdout, new RegExp(`^config/${name}: ok, 2 policies, \\d+ targets`));
  });
}
