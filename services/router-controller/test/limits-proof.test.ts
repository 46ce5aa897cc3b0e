/** The proof of shared limits, with fewer requests than `npm run proof:limits` takes by default. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('four controllers on one Redis keep the limits, leak nothing, and go on without it', async () => {
  const proof = join(import.meta.dirname, '../proof/limits.ts');
  // More time than the default: a machine that is busy with other things must not look like a Redis that is away.
  const args = [proof, '--requests', '1000', '--seconds', '10', '--call-timeout-ms', '500', '--json'];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  const result = JSON.parse(out.trim().split('\n').at(-1)!);
  console.log(out);
  assert.equal(result.controllers, 4);
  assert.equal(result.over, 0);
  assert.equal(result.leaked_slots, 0);
  assert.equal(result.leaked_tokens, 0);
  assert.equal(result.redis_outage_failed_requests, 0);
  assert.ok(result.shortfall_pct <= 5, String(result.shortfall_pct));
  assert.ok(result.granted > 500);
  assert.equal(code, 0);
});
