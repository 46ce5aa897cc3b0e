import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIgnore } from './dockerignore.ts';

test('the last pattern that matches a path or a folder above it holds', () => {
  const ignored = readIgnore('# only these\n*\n!a\n!b.json\na/x\n**/test\n**/*.test.ts\n/a/y/\n');
  for (const path of [
    'c',
    'c/d',
    'a/x',
    'a/x/deep',
    'a/test/f',
    'a/deep/test',
    'a/b/f.test.ts',
    'a/y/z',
    'b.jsonc',
  ])
    assert.ok(ignored(path), path);
  for (const path of ['a', 'a/b', 'a/b/c.ts', 'b.json', 'a/xy', 'a/tests/f']) assert.ok(!ignored(path), path);
});

test('a star stays within a folder, and a dot is a dot', () => {
  const ignored = readIgnore('a/*.md\n');
  assert.ok(ignored('a/x.md'));
  assert.ok(!ignored('a/b/x.md'));
  assert.ok(!ignored('a/xmd'));
});
