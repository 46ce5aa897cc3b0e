import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const root = mkdtempSync(join(tmpdir(), 'llm-router-compiled-'));
after(() => rmSync(root, { recursive: true, force: true }));
chmodSync(root, 0o755);
const TOOL = join(import.meta.dirname, 'compiled.ts');

/** Flags that it sets itself, as the controller does, come after the modules that its first lines import. */
const MAIN = `
import { setFlagsFromString } from 'node:v8';
import { word } from './word.ts';
setFlagsFromString('--heap-growing-percent=50');
console.log((await import('./later.mjs')).later(word));
process.on('SIGTERM', () => process.exit());
console.log('ready');
if (process.argv[2] === 'stay') setInterval(() => {}, 1_000);
`;
const app = join(root, 'app');
mkdirSync(app);
writeFileSync(join(app, 'main.mjs'), MAIN);
writeFileSync(join(app, 'word.ts'), `export const word: string = 'a word';`);
writeFileSync(join(app, 'later.mjs'), 'export const later = (word) => `${word}, later`;');

const files = (folder: string) => readdirSync(folder, { recursive: true }).sort();

function start(folder: string, options: { uid?: number; debug?: boolean } = {}) {
  const { uid, debug = true } = options;
  return spawnSync(process.execPath, [join(folder, 'main.mjs')], {
    encoding: 'utf8',
    cwd: '/',
    ...(uid !== undefined && { uid, gid: uid }),
    env: {
      NODE_COMPILE_CACHE: join(folder, 'kept'),
      NODE_COMPILE_CACHE_PORTABLE: '1',
      ...(debug && { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' }),
    },
  });
}

test('a start finds all of it, wherever both have gone, and writes nothing', () => {
  const made = spawnSync(process.execPath, [TOOL, join(app, 'kept'), join(app, 'main.mjs'), 'stay'], {
    encoding: 'utf8',
  });
  assert.match(made.stdout, /a word, later\nready\n4 compiled modules in /, made.stderr);
  const moved = join(root, 'moved');
  renameSync(app, moved);
  const before = files(moved);
  const { stderr, stdout } = start(moved);
  assert.equal(stdout, 'a word, later\nready\n');
  for (const name of ['main.mjs', 'word.ts', 'later.mjs'])
    assert.match(stderr, new RegExp(`/${name} was accepted`));
  assert.doesNotMatch(stderr, /was rejected|writing cache/);
  assert.deepEqual(files(moved), before);
});

test('a user for whom nothing is kept starts in silence, and writes nothing', {
  skip: process.getuid?.() !== 0,
}, () => {
  const moved = join(root, 'moved');
  const before = files(moved);
  const { stderr, stdout, status } = start(moved, { uid: 65_534, debug: false });
  assert.deepEqual([stdout, stderr, status], ['a word, later\nready\n', '', 0]);
  assert.deepEqual(files(moved), before);
});

test('a program of which nothing is kept ends a build', () => {
  const { status, stderr } = spawnSync(process.execPath, [TOOL, join(root, 'none'), join(root, 'none.mjs')], {
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(stderr, /none\.mjs: Node kept nothing that it compiled/);
});
