/**
 * `node services/bundler/src/compiled.ts FOLDER FILE [ARG…]`: starts FILE until it says `ready`, or ends, and keeps in FOLDER what Node
 * compiled of its modules. Images are built with it: NODE_COMPILE_CACHE names the folder then, and a start compiles none of them again.
 *
 * Node goes by its own version, the machine's kind, the user and V8's flags, and without a word compiles anew where one is another. It keeps a
 * module as it was loaded; functions that run later are compiled as ever, so nothing more comes of a longer run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const [folder, file, ...args] = process.argv.slice(2);
if (folder === undefined || file === undefined) {
  console.error('usage: node services/bundler/src/compiled.ts FOLDER FILE [ARG…]');
  process.exit(2);
}

const child = spawn(process.execPath, [file, ...args], {
  // Portable: files are known by where they lie beside the folder.
  env: { ...process.env, NODE_COMPILE_CACHE: resolve(folder), NODE_COMPILE_CACHE_PORTABLE: '1' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
createInterface({ input: child.stdout }).on('line', (line) => {
  console.log(line);
  if (line.startsWith('ready')) child.kill('SIGTERM');
});
await once(child, 'close');

const kept = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
const files = kept.filter((entry) => entry.isFile());
if (files.length === 0) {
  console.error(`${file}: Node kept nothing that it compiled`);
  process.exit(1);
}
// Node lets nobody else read them; an image gives them to root, and its user reads them.
for (const entry of kept) chmodSync(join(entry.parentPath, entry.name), entry.isFile() ? 0o644 : 0o755);
console.log(`${files.length} compiled modules in ${folder}`);
