import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PbtxtError, parsePbtxt } from './pbtxt.ts';

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

test('scalars, nested messages, lists, repeated fields, comments', () => {
  const parsed = parsePbtxt(`
    # a comment with "quotes" and { braces }
    name: "m"  max_batch_size: 64;
    ratio: -1.5e-3f, on: true kind: KIND_CPU
    input [ { name: "A" dims: [ -1, 3 ] }, { name: "B" dims: 2 dims: 4 } ]
    step { input_map { key: "a" value: "b" } }
    step < input_map: { key: 'c' value: "d" } >
    empty: []
  `);
  assert.deepEqual(plain(parsed), {
    name: ['m'],
    max_batch_size: [64],
    ratio: [-0.0015],
    on: [true],
    kind: ['KIND_CPU'],
    input: [
      { name: ['A'], dims: [-1, 3] },
      { name: ['B'], dims: [2, 4] },
    ],
    step: [{ input_map: [{ key: ['a'], value: ['b'] }] }, { input_map: [{ key: ['c'], value: ['d'] }] }],
    empty: [],
  });
});

test('strings: escapes as protobuf writes them, adjacent parts, field names of any kind', () => {
  const [text] = parsePbtxt(String.raw`text: "caf\303\251 \"x\" \\ \n" '\xe2\x82\xac' "é"`).text!;
  assert.equal(text, 'café "x" \\ \n€é');
  assert.deepEqual(parsePbtxt('constructor: 1 __proto__: 2').constructor, [1]);
});

test('any string survives being written with octal escapes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const escaped = [...Buffer.from(value)]
        .map((byte) => `\\${byte.toString(8).padStart(3, '0')}`)
        .join('');
      assert.deepEqual(parsePbtxt(`x: "${escaped}"`).x, [value]);
    }),
  );
});

test('errors tell the line and what was there', () => {
  const message = (source: string) => {
    try {
      parsePbtxt(source);
    } catch (error) {
      assert.ok(error instanceof PbtxtError);
      return error.message;
    }
    return assert.fail(`parsed: ${source}`);
  };
  assert.equal(message('a: 1\nb {\n  c: 2\n'), "line 3: missing '}'");
  assert.equal(message('a: 1\n\n?'), 'line 3: unexpected "?"');
  assert.equal(message('a: [ 1,\n2'), "line 1: missing ']'");
  assert.equal(message('a:'), 'line 1: a value is missing');
  assert.equal(message('a: }'), "line 1: unexpected '}'");
  assert.equal(message('a: 1\n"b": 2'), 'line 2: expected a field name, got \'"b"\'');
});

test('no text makes the parser crash in another way', () => {
  const piece = fc.constantFrom(
    'a',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '<',
    '>',
    '"x"',
    "'",
    '1',
    '-',
    ',',
    ';',
    '#\n',
    '\\',
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      try {
        parsePbtxt(pieces.join(''));
      } catch (error) {
        assert.ok(error instanceof PbtxtError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});
