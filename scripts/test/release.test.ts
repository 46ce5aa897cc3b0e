/** A release, as far as it changes nothing: the checks, and the package that it would make. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ROOT } from '../parts/lib.ts';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-release-'));
after(() => rmSync(folder, { recursive: true }));

const release = (...args: readonly string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'scripts/release.ts'), ...args, '--out', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  });
const state = () => execFileSync('git', ['status', '--porcelain'], { cwd: ROOT, encoding: 'utf8' });

test('a dry run checks, packs, tells, and changes nothing', () => {
  const before = state();
  const { status, stdout, stderr } = release('--version', '99.0.0', '--dry-run');
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    /would write package\.json[\s\S]*Chart\.yaml|Chart\.yaml[\s\S]*would write package\.json/,
  );
  assert.match(stdout, /would write CHANGELOG\.md[\s\S]*tag v99\.0\.0[\s\S]*nothing was changed/);
  assert.equal(state(), before);
  const listOf = (path: string) =>
    execFileSync('tar', ['-tzf', join(folder, path)], { encoding: 'utf8' })
      .trim()
      .split('\n');
  const [chartFolder, name, ...more] = readdirSync(folder).sort();
  assert.deepEqual([chartFolder, more], ['chart', []]);
  const list = listOf(name!);
  const [chartName, ...others] = readdirSync(join(folder, 'chart'));
  assert.deepEqual(others, []);
  const chart = listOf(`chart/${chartName}`);
  for (const path of ['Chart.yaml', 'values.schema.json', 'VALUES.md', 'README.md', 'values/production.yaml'])
    assert.ok(chart.includes(`llm-router/${path}`), path);
  for (const path of [
    'services/cli/bin/llm-router.mjs',
    'pnpm-lock.packed.yaml',
    'packed.json',
    'config/router.yaml',
  ])
    assert.ok(list.includes(`package/${path}`), path);
  assert.ok(!list.some((path) => /node_modules|package\/docs\//.test(path)));
});

test('a version that is none, or not later, is refused', () => {
  assert.match(release('--version', '0.0.1', '--dry-run').stderr, /0\.0\.1 does not come after/);
  assert.equal(release('--dry-run').status, 2);
});
