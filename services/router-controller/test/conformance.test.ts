/** `npm run conformance`: clients of others against a real router, with only base URL, key and model changed. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { clientSuites } from '../proof/conformance/suites.ts';

describe('conformance', () => {
  let suites: Record<string, { passed: number; failed: number }> = {};
  let output = '';

  before(
    async () => {
      const proof = join(import.meta.dirname, '../proof/conformance.ts');
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [proof, '--json'], {
        maxBuffer: 1e7,
      }).catch((error: { stdout: string; stderr: string }) => error);
      output = stderr;
      suites =
        (JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { suites?: typeof suites }).suites ?? {};
    },
    { timeout: 600_000 },
  );

  for (const { name } of clientSuites()) {
    test(name, () => {
      assert.ok(suites[name] && suites[name].passed > 1, output);
      assert.equal(suites[name].failed, 0, output);
    });
  }
});
