/** `npm run proof:attacks` holds against every attack. Times are printed by the proof and not asserted: machines are noisy. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

test('a router with a heap of 512 MB holds against all attacks, and other tenants are served', {
  timeout: 400_000,
}, async () => {
  const proof = join(import.meta.dirname, '../proof/attacks.ts');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [proof, '--json'], {
    maxBuffer: 1e7,
  }).catch((error: { stdout: string; stderr: string }) => error);
  const told = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, number>;
  assert.equal(told.held, told.attacks, stderr);
  assert.ok(told.attacks! > 20);
  assert.equal(told.exits, 0);
  assert.equal(told.other_tenants_failed, 0, stderr);
});
