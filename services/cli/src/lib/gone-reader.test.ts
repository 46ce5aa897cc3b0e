import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

/** Writes for ever; 7: the closed pipe was no reason to end, 0: told to end it ended by its own way. */
const PROGRAM = `
import { endWithReader } from ${JSON.stringify(join(import.meta.dirname, 'gone-reader.ts'))};
const [word, own] = process.argv.slice(-2);
endWithReader([word]);
if (own === 'own') process.once('SIGTERM', () => process.exit(0));
else process.stdout.on('error', () => setImmediate(() => process.exit(7)));
setInterval(() => process.stdout.write('a line\\n'), 5);
`;

async function codeWithoutReader(word: string, own: 'own' | 'none'): Promise<unknown> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, '--', word, own], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'close');
  assert.equal(err, '');
  return code;
}

test('a command ends when nobody reads it, without a word; what serves goes on', async () => {
  const codes = await Promise.all([
    codeWithoutReader('route', 'none'),
    codeWithoutReader('top', 'own'),
    codeWithoutReader('start', 'none'),
  ]);
  assert.deepEqual(codes, [141, 0, 7]);
});
