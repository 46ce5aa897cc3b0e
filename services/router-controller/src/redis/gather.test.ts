import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { gatherWrites } from './gather.ts';

test('writes of one turn go out together and in order, those of the next apart', async () => {
  const turns: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      turns.push(String(chunk));
      done();
    },
    writev: (chunks, done) => {
      turns.push(chunks.map(({ chunk }) => String(chunk)).join(''));
      done();
    },
  });
  gatherWrites(stream);
  stream.write('a');
  stream.write(Buffer.from('b'));
  await Promise.resolve();
  stream.write('c');
  assert.deepEqual(turns, []);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(turns, ['abc']);
  stream.write('d');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(turns, ['abc', 'd']);
  let drained = false;
  stream.once('drain', () => {
    drained = true;
  });
  assert.equal(stream.write('e'.repeat(100_000)), false, 'a full stream is told as ever');
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  assert.ok(drained);
});
