import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { bundleMany, placesInSources } from './many.ts';
import { PROGRAMS, programOf } from './program.ts';

const root = mkdtempSync(join(tmpdir(), 'llm-router-many-'));
const folder = join(root, 'made');
after(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

write('node_modules/commonjs-package/package.json', '{ "main": "main.js" }');
write(
  'node_modules/commonjs-package/main.js',
  "exports.base = require('node:path').basename(__filename ?? '');",
);
write('node_modules/typescript/package.json', '{ "main": "main.js" }');
write('node_modules/typescript/main.js', 'module.exports = { place: __dirname };');
write(
  'shared/deep/state.ts',
  'export const state = { times: 0 };\nexport const here: string = import.meta.dirname;\n',
);
write(
  'shared/again.ts',
  "import { state } from './deep/state.ts';\nstate.times++;\nexport const here = import.meta.dirname;\n",
);
const PROGRAM = `
import { base } from 'commonjs-package';
import outside from 'typescript';
import { here as again } from '../shared/again.ts';
import { here, state } from '../shared/deep/state.ts';
interface Told { readonly text: string }
const mine = 'a name of its own';
const told: Told = { text: 'import.meta.url stays in a text' };
console.log(JSON.stringify([base.length > 0, outside, again, here, state, mine, told.text, import.meta.filename, import.meta.resolve('./other.ts'), import.meta.main]));
if (process.argv[2]) throw new Error('on purpose');
`;
write('a/one.test.ts', PROGRAM);
write('b/two.test.ts', PROGRAM);
const FILES = ['a/one.test.ts', 'b/two.test.ts'];
const run = (program: string, ...args: string[]) =>
  spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });

test('each does what its source does: what is shared is there once, files are found, packages that want their place have it', async () => {
  const programs = await bundleMany(FILES, folder, root);
  for (const file of FILES) {
    const { stdout, stderr } = run(programs.get(file)!);
    const [found, outside, again, here, state, ...rest] = JSON.parse(stdout || `"${stderr}"`) as unknown[];
    assert.equal(found, true);
    assert.deepEqual(outside, { place: join(root, 'node_modules/typescript') });
    assert.deepEqual([again, here], [join(root, 'shared'), join(root, 'shared/deep')]);
    assert.deepEqual(state, { times: 1 });
    assert.deepEqual(rest, [
      'a name of its own',
      'import.meta.url stays in a text',
      join(root, file),
      `file://${join(root, dirname(file), 'other.ts')}`,
      false,
    ]);
  }
});

test('a stack trace of it is told in the sources’ places; others stay', async () => {
  const programs = await bundleMany(FILES, folder, root);
  const { stderr } = run(programs.get('a/one.test.ts')!, 'fail');
  const line = PROGRAM.split('\n').findIndex((each) => each.includes('on purpose')) + 1;
  const told = placesInSources(stderr, folder);
  assert.ok(told.includes(`at ${join(root, 'a/one.test.ts')}:${line}:`), told);
  assert.ok(!told.includes(`${folder}/a/one.test.mjs:${line}`), told);
  assert.equal(placesInSources('at /other/x.mjs:1:2', folder), 'at /other/x.mjs:1:2');
});

test('what has not changed is left alone, and what is no longer part of any goes after a while', async () => {
  const program = (await bundleMany(FILES, folder, root)).get('b/two.test.ts')!;
  const before = statSync(program).ino;
  const [young, old] = ['young.mjs', 'old.mjs'].map((name) => join(folder, name)) as [string, string];
  for (const file of [young, old]) writeFileSync(file, '');
  utimesSync(old, 1, 1);
  write('a/one.test.ts', 'console.log("other" as string);');
  const made = await bundleMany(FILES, folder, root);
  assert.equal(run(made.get('a/one.test.ts')!).stdout, 'other\n');
  assert.equal(readFileSync(young, 'utf8'), '');
  assert.equal(statSync(old, { throwIfNoEntry: false }), undefined);
  const again = await bundleMany(FILES, folder, root);
  assert.equal(statSync(again.get('a/one.test.ts')!).ino, statSync(made.get('a/one.test.ts')!).ino);
  assert.ok(before > 0);
  await assert.rejects(bundleMany(['a/none.ts'], folder, root), /none\.ts/);
});

const { [PROGRAMS]: given } = process.env;
afterEach(() => {
  if (given === undefined) delete process.env[PROGRAMS];
  else process.env[PROGRAMS] = given;
});

test('a program is started from what was made of it where that is told, else from its source', () => {
  const source = join(import.meta.dirname, 'main.ts');
  delete process.env[PROGRAMS];
  assert.equal(programOf(source), source);
  process.env[PROGRAMS] = folder;
  assert.equal(programOf(source), source);
  const made = join(folder, 'services/bundler/src/main.mjs');
  mkdirSync(dirname(made), { recursive: true });
  writeFileSync(made, '');
  assert.equal(programOf(source), made);
});
