/** A short soak, as `npm run soak` does it: everything fails at random, and every request is accounted for. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { slopePerMinute } from '../proof/soak/slope.ts';
import { ROOT } from './harness.ts';

test('half a minute of trouble loses nothing and leaves nothing behind', async () => {
  const args = ['run', '-s', 'soak', '--', '--minutes', '0.5', '--clients', '6', '--json'];
  const { code, out, err } = await new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile('npm', args, { cwd: ROOT, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, out: stdout, err: stderr }),
    );
  });
  assert.equal(code, 0, out + err);
  const told = JSON.parse(out.trim().split('\n').at(-1)!);
  assert.deepEqual([told.unaccounted, told.failed_with_fallback, told.leaked_sockets], [0, 0, 0], out);
  assert.ok(told.requests > 200, `only ${told.requests} requests`);
  assert.deepEqual(Object.keys(told), [
    'requests',
    'unaccounted',
    'failed_with_fallback',
    'leaked_sockets',
    'rss_slope_mb_per_min',
    'recovery_ms_max',
  ]);
});

test('the slope of memory leaves the first third out', () => {
  const at = (minute: number, mb: number) => ({ minute, bytes: mb * 2 ** 20 });
  const rising = [at(0, 100), at(1, 500), at(2, 300), at(3, 302), at(4, 304), at(5, 306)];
  assert.ok(Math.abs(slopePerMinute(rising) - 2) < 1e-9);
  assert.equal(slopePerMinute([]), 0);
});
