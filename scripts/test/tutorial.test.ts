/** The tutorials as a reader follows them, on a real router. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../parts/lib.ts';

test('every command of the tutorials works, and prints what the page shows', async () => {
  const { code, out } = await new Promise<{ code: unknown; out: string }>((resolve) => {
    execFile('npm', ['run', '-s', 'tutorial'], { cwd: ROOT, maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, out: stdout + stderr }),
    );
  });
  assert.equal(code, 0, out);
  assert.match(out, /first-minute\.md: 9 steps/);
  assert.match(out, /your-own-policy\.md: 10 steps/);
  assert.match(out, /1_Deploy_LLM_Router\.ipynb: ran/);
  assert.match(out, /2_Customise_a_policy\.ipynb: ran/);
  assert.match(out, /worth-the-money\.md: 8 steps/);
  for (const folder of ['my-bank', 'my-first', 'my-notebook', 'my-policy'])
    assert.ok(!existsSync(join(ROOT, folder)));
});
