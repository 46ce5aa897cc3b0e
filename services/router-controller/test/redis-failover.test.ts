/** Sentinels make another master under load: `proof/failover.ts`, on a real master, replica and three Sentinels. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('a failover under load fails no request, lets a bounded number through, and leaves limits exact', async () => {
  const proof = join(import.meta.dirname, '../proof/failover.ts');
  // More time than the default: a machine that is busy with other things must not look like a Redis that is away.
  const child = spawn(process.execPath, [proof, '--call-timeout-ms', '500', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  console.log(out);
  const result = JSON.parse(out.trim().split('\n').at(-1)!);
  assert.equal(result.controllers, 4);
  assert.ok(result.requests > 500, String(result.requests));
  assert.equal(result.failed_requests, 0);
  assert.ok(result.granted <= result.most, `${result.granted} of at most ${result.most}`);
  assert.equal(result.over_after, 0);
  assert.ok(result.shortfall_after_pct <= 5, String(result.shortfall_after_pct));
  assert.equal(code, 0);
});
