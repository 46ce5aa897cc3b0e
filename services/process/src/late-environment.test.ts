import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { environmentFrom, tellEnvironment } from './late-environment.ts';

test('variables come in one line, in whatever pieces, and the stream goes on', async () => {
  const stdin = new PassThrough();
  const told = environmentFrom(stdin);
  const line = new PassThrough();
  tellEnvironment(line, { A: 'grpc://x:1\n', B: 'ä' });
  const bytes = line.read() as Buffer;
  stdin.write(bytes.subarray(0, 3));
  await new Promise(setImmediate);
  stdin.write(bytes.subarray(3));
  assert.deepEqual(await told, { A: 'grpc://x:1\n', B: 'ä' });
  const ended = new Promise((resolve) => stdin.once('end', resolve).resume());
  stdin.end();
  await ended;
});

test('a parent that goes before has told nothing', async () => {
  const stdin = new PassThrough();
  stdin.end();
  assert.equal(await environmentFrom(stdin), null);
});

test('anything else is no environment', async () => {
  const stdin = new PassThrough();
  stdin.write('PATH=/bin\n');
  await assert.rejects(environmentFrom(stdin), SyntaxError);
});
