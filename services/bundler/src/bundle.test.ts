import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { inSources } from '../../router-controller/src/observe/places.ts';
import { freshBundle } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'llm-router-bundle-'));
after(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const MAIN = `
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { doubled } from 'commonjs-package';
import { beside, thread } from './deep/er/places.ts';
type Word = string;
const word: Word = readFileSync(beside, 'utf8');
console.log(JSON.stringify({ word, doubled: doubled(21) }));
new Worker(thread).on('message', (text) => {
  console.log(text);
  throw new Error('thrown on purpose');
});
`;

write('pnpm-lock.yaml', 'versions of packages');
write('services/one/src/main.ts', MAIN);
write(
  'services/one/src/deep/er/places.ts',
  `import { join } from 'node:path';
export const beside = join(import.meta.dirname, 'beside.txt');
export const thread = new URL('./thread.ts', import.meta.url);
`,
);
write('services/one/src/deep/er/beside.txt', 'found');
write(
  'services/one/src/deep/er/thread.ts',
  `import { parentPort } from 'node:worker_threads';
parentPort!.postMessage('from the thread' as string);
`,
);
write('node_modules/commonjs-package/package.json', '{ "main": "main.js" }');
write(
  'node_modules/commonjs-package/main.js',
  `const { basename } = require('node:path');
exports.doubled = (n) => (basename('/x') === 'x' ? 2 * n : NaN);
`,
);

const run = (file: string) =>
  spawnSync(process.execPath, ['--enable-source-maps', file], { encoding: 'utf8' });

test('it does what its sources do, finds their files, and a stack trace names them', async () => {
  const file = await freshBundle('one', root);
  const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
  assert.deepEqual(
    stdout.split('\n').slice(0, 2),
    ['{"word":"found","doubled":42}', 'from the thread'],
    stderr,
  );
  const line = MAIN.split('\n').findIndex((each) => each.includes('thrown on purpose')) + 1;
  const column = MAIN.split('\n')[line - 1]!.indexOf('new Error') + 1;
  const place = `${join(root, 'services/one/src/main.ts')}:${line}:${column}`;
  const trace = inSources(stderr, file);
  assert.ok(trace.includes(`(${place})`), trace);
  assert.ok(trace.includes('at Worker.emit'), 'what is not of the program stays as it is');
  // Node's own way tells the same.
  assert.ok(run(file).stderr.includes(`${place})`));
});

test('its packages are in it', async () => {
  const file = await freshBundle('one', root);
  rmSync(join(root, 'node_modules'), { recursive: true });
  assert.match(run(file).stdout, /"doubled":42/);
  write('node_modules/commonjs-package/package.json', '{ "main": "main.js" }');
  write('node_modules/commonjs-package/main.js', 'exports.doubled = (n) => n + n;');
});

test('it is made anew when a source or the versions of packages change, and only then', async () => {
  const file = await freshBundle('one', root);
  const { ino } = statSync(file);
  assert.equal(statSync(await freshBundle('one', root)).ino, ino);
  write('services/one/src/main.ts', 'console.log(1 as number);');
  assert.equal(execFileSync(process.execPath, [await freshBundle('one', root)], { encoding: 'utf8' }), '1\n');
  const next = statSync(file).ino;
  write('pnpm-lock.yaml', 'other versions of packages');
  assert.notEqual(statSync(await freshBundle('one', root)).ino, next);
});

test('a source that can’t be read is told with its place', async () => {
  write('services/one/src/main.ts', 'const x = ;');
  await assert.rejects(freshBundle('one', root), /services\/one\/src\/main\.ts:1:10/);
  await assert.rejects(freshBundle('none', root), /services\/none\/src\/main\.ts/);
});

test('characters of every script keep their meaning, and the file is ASCII alone', async () => {
  const source = `
// naïve – “quoted” 😀
const naïve = 'für 😀';
const patterns = [/^réponds? \\w+ [’–“]$/, /^[😀-😎ä]$/u, /^\\–$/, new RegExp('^ü$')];
const texts = ['réponds bien ’', '😃', '–', 'ü'];
console.log(JSON.stringify([naïve, \`\${naïve} – \\u00e9 \\\\ü\`, patterns.map((pattern, at) => pattern.test(texts[at]!))]));
`;
  write('services/two/src/main.ts', source);
  const file = await freshBundle('two', root);
  assert.match(readFileSync(file, 'utf8'), /^[\0-\x7f]*$/);
  assert.equal(run(file).stdout, run(join(root, 'services/two/src/main.ts')).stdout);
  assert.deepEqual(JSON.parse(run(file).stdout), ['für 😀', 'für 😀 – é \\ü', [true, true, true, true]]);
});
