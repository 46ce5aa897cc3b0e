/** The examples as a reader runs them, with the clients that others wrote, on a real router. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../parts/lib.ts';

test('every example works as its page shows, and stands in the list', async () => {
  const folder = join(ROOT, 'examples');
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const list = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const { name } of names)
    assert.ok(list.includes(`](${name}/README.md)`), `${name} is not in the list`);
  const { code, out } = await new Promise<{ code: unknown; out: string }>((resolve) => {
    const args = ['run', '-s', 'examples', '--', '--json'];
    execFile('npm', args, { cwd: ROOT, maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, out: stderr + stdout }),
    );
  });
  assert.equal(code, 0, out);
  const last = JSON.parse(out.trim().split('\n').at(-1)!);
  assert.deepEqual(last, { examples: names.length, passed: names.length, failed: 0 }, out);
});
