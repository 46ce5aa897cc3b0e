import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fromPrograms } from './programs.ts';
import { quickSuites, wholeSuites } from './suite-table.ts';
import { runSuite } from './suites.ts';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-programs-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const never = (line: string) => assert.fail(line);

test('few suites run from their sources', async () => {
  const few = quickSuites().slice(0, 8);
  assert.equal(await fromPrograms(few, never, folder), few);
});

test('many run from what is made of them, with the same tests; checks and suites with real parts as they are', async () => {
  const quick = quickSuites().filter(({ name }) =>
    /^services\/(?:process|load-generator)\/|^scripts\/(?:lib|deps)\//.test(name),
  );
  const checks = quickSuites().filter(({ read }) => read === 'exit');
  const whole = wholeSuites().slice(0, 3);
  const made = await fromPrograms([...checks, ...quick, ...whole], never, folder);
  assert.deepEqual(made.slice(0, checks.length), checks);
  assert.deepEqual(made.slice(-whole.length), whole);
  const changed = made.slice(checks.length, -whole.length);
  assert.deepEqual(
    changed.map(({ name, args }) => [name, args.at(-1)]),
    quick.map(({ name }) => [name, join(folder, name.replace('.ts', '.mjs'))]),
  );
  const same = quick.findIndex(({ name }) => name.endsWith('near-changes.test.ts'));
  const results = await Promise.all([quick[same]!, changed[same]!].map((suite) => runSuite(suite)));
  const [source, program] = results.map(({ passed, failed }) => ({ passed, failed }));
  assert.deepEqual(program, source);
  assert.ok(source!.passed > 0);
});
