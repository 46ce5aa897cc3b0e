/** What an upstream packs unasked is what it would have sent, for any coding and at any cut; what breaks there breaks here. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { unpacked, unpackedStream } from './unpack.ts';
import { bodyOf, type UpstreamBody } from './upstream-answer.ts';

type Pack = (bytes: Buffer) => Buffer;

const PACKS: Readonly<Record<string, Pack>> = {
  gzip: gzipSync,
  'X-GZip': gzipSync,
  deflate: deflateSync,
  'Deflate ': deflateRawSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
  'deflate, gzip': (bytes) => gzipSync(deflateSync(bytes)),
  'identity, br, ': brotliCompressSync,
};

const cutAt = (bytes: Buffer, size: number) =>
  [...Array(Math.ceil(bytes.length / size)).keys()].map((at) => bytes.subarray(at * size, (at + 1) * size));
const answerOf = (coding: string, chunks: readonly Buffer[]) => ({
  status: 200,
  headers: { 'content-encoding': coding, 'content-length': '5', etag: '"x"', 'x-kept': 'yes' },
  body: bodyOf(Readable.from(chunks)),
});

async function all(body: UpstreamBody): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let next = await body.next(); !next.done; next = await body.next()) chunks.push(next.value);
  return Buffer.concat(chunks);
}

for (const [coding, pack] of Object.entries(PACKS))
  test(`'${coding}' is unpacked, and what spoke of the packed bytes is gone`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 3_000 }),
        fc.integer({ min: 1, max: 400 }),
        async (array, size) => {
          const bytes = Buffer.from(array);
          const { headers, body } = unpacked(answerOf(coding, cutAt(pack(bytes), size)));
          assert.deepEqual(headers, { 'x-kept': 'yes' });
          assert.deepEqual(await all(body), bytes);
        },
      ),
      { numRuns: 20 },
    );
  });

test('an answer without a body, and one in a coding that is not known, stay as they are', async () => {
  assert.equal((await all(unpacked(answerOf('gzip', [])).body)).length, 0);
  for (const coding of ['compress', 'gzip, gzip, gzip', 'utf-8', 'toString', '']) {
    const answer = answerOf(coding, [Buffer.from('x')]);
    assert.equal(unpacked(answer), answer);
  }
});

test('bytes that are cut, or no packed ones, fail', async () => {
  const packed = gzipSync(Buffer.from('a text that is long enough to be cut'));
  for (const chunks of [[packed.subarray(0, 20)], [Buffer.from('no gzip')], cutAt(packed.subarray(0, -9), 3)])
    await assert.rejects(all(unpacked(answerOf('gzip', chunks)).body));
  const broken = Readable.from(
    (async function* () {
      yield packed.subarray(0, 20);
      throw new Error('reset');
    })(),
  );
  const { body } = unpacked({ ...answerOf('gzip', []), body: bodyOf(broken) });
  await assert.rejects(all(body), /reset/);
});

test('what grows as only a bomb does fails, however it is packed; what repeats itself passes', async () => {
  const bomb = Buffer.alloc(20_000_000, 'a');
  for (const [coding, pack] of Object.entries(PACKS).filter(([name]) => !/deflate/i.test(name)))
    await assert.rejects(
      all(unpacked(answerOf(coding, cutAt(pack(bomb), 1_000))).body),
      /grows more than 200/,
    );
  const text = Buffer.from('The same sentence comes again, number 1234567890. '.repeat(60_000));
  const varied = Buffer.from(text.toString().replaceAll('1234567890', () => String(Math.random())));
  assert.deepEqual(await all(unpacked(answerOf('gzip', cutAt(gzipSync(varied), 1_000))).body), varied);
});

test('what is thrown away lets go of the packed bytes', async () => {
  for (const end of ['destroy', 'ignore'] as const) {
    let ended = '';
    const packed = bodyOf(Readable.from(cutAt(gzipSync(Buffer.alloc(100_000)), 20)));
    const watched = {
      next: () => packed.next(),
      ignore: () => {
        ended = 'ignore';
      },
      destroy: () => {
        ended = 'destroy';
      },
    };
    const { body } = unpacked({ ...answerOf('gzip', []), body: watched });
    await body.next();
    body[end]();
    assert.equal(ended, end);
  }
});

test('a stream of Node’s is unpacked too, but for a part of a file', async () => {
  const bytes = Buffer.from('some file');
  const packed = { status: 200, headers: { 'content-encoding': 'br' } };
  const whole = unpackedStream({ ...packed, body: Readable.from([brotliCompressSync(bytes)]) });
  assert.deepEqual(await buffer(whole.body), bytes);
  assert.deepEqual(whole.headers, {});
  const part = { ...packed, status: 206, body: Readable.from([bytes]) };
  assert.equal(unpackedStream(part), part);
  await assert.rejects(buffer(unpackedStream({ ...packed, body: Readable.from([bytes]) }).body));
});
