import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { VERSION } from '../../services/router-controller/src/version.ts';
import { ROOT } from '../parts/lib.ts';
import { isPacked } from './pack.ts';
import { isLater, saysVersion, withChanges, withVersion } from './versions.ts';

test('a version comes after another by its numbers, and after its own candidates', () => {
  for (const [from, to] of [
    ['0.1.0', '0.1.1'],
    ['0.9.0', '0.10.0'],
    ['1.0.0-rc.1', '1.0.0'],
    ['1.0.0-rc.1', '1.0.0-rc.2'],
  ])
    assert.ok(isLater(from!, to!) && !isLater(to!, from!), `${from} ${to}`);
  for (const bad of ['1', 'v1.0.0', '1.0.0+x', '0.1.0']) assert.ok(!isLater('0.1.0', bad), bad);
});

test('every file that tells the version is changed there, and nowhere else', () => {
  const files = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' })
    .split('\n')
    .filter(saysVersion);
  assert.ok(files.length >= 10, files.join());
  for (const path of files) {
    const text = readFileSync(join(ROOT, path), 'utf8');
    const next = withVersion(path, text, VERSION, '9.8.7');
    assert.ok(next.includes('9.8.7'), path);
    assert.equal(withVersion(path, next, '9.8.7', VERSION), text, path);
  }
  assert.throws(() => withVersion('package.json', '{}', '0.1.0', '0.2.0'), /does not say 0\.1\.0/);
});

test('what was unreleased stands under the version, and nothing is no release', () => {
  const text = '# Changes\n\n## Unreleased\n\n- One\n\n## 0.1.0\n\n- Zero\n';
  assert.equal(
    withChanges(text, '0.2.0', '2026-01-02'),
    '# Changes\n\n## Unreleased\n\n## 0.2.0 (2026-01-02)\n\n- One\n\n## 0.1.0\n\n- Zero\n',
  );
  assert.throws(() => withChanges(text.replace('- One\n', ''), '0.2.0', ''), /no change/);
});

test('a package has what runs, not what only the repository needs', () => {
  for (const path of [
    'package.json',
    'services/cli/bin/llm-router.mjs',
    'config/router.yaml',
    'model_repository/ATTRIBUTION',
    'services/trainer/requirements.txt',
  ])
    assert.ok(isPacked(path), path);
  for (const path of [
    '.ci/run',
    '.gitignore',
    'docs/security.md',
    'deploy/README.md',
    'services/trainer/data/x.jsonl',
    'services/cli/test/route.test.ts',
  ])
    assert.ok(!isPacked(path), path);
});
