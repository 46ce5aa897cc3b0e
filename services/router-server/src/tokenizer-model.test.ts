import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { Tensor } from './tensor.ts';
import { cutChars, cutIds, TokenizerModel, tokenizerOptions } from './tokenizer-model.ts';

const FILE = fileURLToPath(
  new URL('../../../model_repository/prompt_tokenizer/1/tokenizer.json', import.meta.url),
);
const OPTIONS = { maxTokens: 32, maxChars: 200, padTo: [8, 16, 32] };

/** To load one is most of what these tests would do. */
const MODEL = TokenizerModel.load(FILE, OPTIONS);

async function tokenize(texts: readonly (string | Buffer)[], model = MODEL) {
  const data = texts.map((text) => Buffer.from(text));
  const input: Tensor = { datatype: 'BYTES', shape: [texts.length, 1], data };
  const outputs = await model.run(new Map([['INPUT', input]]));
  const numbers = (name: string) => Array.from(outputs.get(name)!.data as BigInt64Array, Number);
  const { shape } = outputs.get('INPUT_IDS')!;
  return {
    shape,
    ids: numbers('INPUT_IDS'),
    mask: numbers('ATTENTION_MASK'),
    counts: numbers('TOKEN_COUNT'),
  };
}

test('the cut by characters is that of a list of code points', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '漢', '😀', '\u0301'), maxLength: 60 });
  fc.assert(
    fc.property(text, fc.integer({ min: 4, max: 40 }), (value, limit) => {
      const points = Array.from(value);
      const cut = cutChars(value, limit);
      if (points.length <= limit) return assert.deepEqual(cut, { text: value, kept: 1, whole: 1 });
      const half = Math.floor(limit / 2);
      assert.equal(cut.text, `${points.slice(0, half).join('')} ${points.slice(-half).join('')}`);
      assert.deepEqual([cut.kept, cut.whole], [2 * half + 1, points.length]);
    }),
    { numRuns: 500 },
  );
});

test('the cut by tokens keeps the start, head, tail and the end', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 100 }), fc.integer({ min: 4, max: 40 }), (length, limit) => {
      const ids = Array.from({ length }, (_, i) => i);
      const cut = cutIds(ids, limit);
      if (length <= limit) return assert.deepEqual(cut, ids);
      assert.equal(cut.length, limit);
      assert.equal(cut[0], 0);
      assert.equal(cut.at(-1), length - 1);
      const head = 1 + Math.floor((limit - 2) / 2);
      assert.deepEqual(cut.slice(0, head), ids.slice(0, head));
      assert.deepEqual(cut.slice(head), ids.slice(length - (limit - head)));
    }),
  );
});

test('a batch is padded to the smallest length that holds its longest row; each row is as if it came alone', async () => {
  const texts = ['hi', 'one two three four five six seven eight nine', ''];
  const batch = await tokenize(texts);
  assert.deepEqual(batch.shape, [3, 16]);
  for (const [row, text] of texts.entries()) {
    const alone = await tokenize([text]);
    const count = alone.counts[0]!;
    assert.equal(batch.counts[row], count);
    const own = batch.ids.slice(row * 16, (row + 1) * 16);
    assert.deepEqual(own.slice(0, count), alone.ids.slice(0, count));
    assert.deepEqual(own.slice(count), Array(16 - count).fill(0));
    assert.deepEqual(batch.mask.slice(row * 16, (row + 1) * 16), [
      ...Array(count).fill(1),
      ...Array(16 - count).fill(0),
    ]);
  }
  assert.deepEqual((await tokenize(['hi'])).shape, [1, 8]);
});

test('odd texts all have tokens: empty, an emoji, right to left, NUL, broken UTF-8, a byte order mark', async () => {
  const odd = [
    '',
    '😀',
    'שלום עולם',
    'مرحبا',
    'a\0b',
    '\ufeffhello',
    '\r\n\t',
    Buffer.from([0xff, 0xfe, 0x41]),
  ];
  const { counts, shape } = await tokenize(odd);
  assert.equal(shape[0], odd.length);
  assert.equal(counts[0], 2);
  assert.ok(counts.every((count) => count >= 2));
});

test('TOKEN_COUNT is exact up to max_chars, and an estimate by length above', async () => {
  const words = (n: number) => Array(n).fill('ab').join(' ');
  const exact = await tokenize([words(60)]);
  assert.equal(exact.counts[0], 62);
  assert.deepEqual(exact.shape, [1, 32]);
  const [estimate] = (await tokenize([words(10_000)])).counts;
  assert.ok(Math.abs(estimate! - 10_000) < 1_000, `estimated ${estimate}`);
});

test('a text of five million characters is cut, not spread', async () => {
  const model = TokenizerModel.load(FILE, { ...OPTIONS, maxChars: 16_384 });
  const { shape, counts } = await tokenize(['word '.repeat(1_000_000)], model);
  assert.deepEqual(shape, [1, 32]);
  assert.ok(counts[0]! > 900_000 && counts[0]! < 1_100_000);
});

test('options: defaults, order, and what is refused', () => {
  assert.deepEqual(tokenizerOptions({}), { maxTokens: 256, maxChars: 16_384, padTo: [256] });
  assert.deepEqual(tokenizerOptions({ max_tokens: '64', pad_to: '32, 16,128' }).padTo, [16, 32, 64]);
  assert.throws(
    () => tokenizerOptions({ max_tokens: '2' }),
    /max_tokens must be a whole number above 3, not '2'/,
  );
  assert.throws(() => tokenizerOptions({ max_chars: 'many' }), /max_chars .* not 'many'/);
  assert.throws(
    () => tokenizerOptions({ pad_to: '16,x' }),
    /pad_to must be whole numbers between commas, not 'x'/,
  );
});
