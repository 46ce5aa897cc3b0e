import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { boundaryOf, FormReader } from './form.ts';

const part = (name: string, value: string, more = '') =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
const find = (text: string) => {
  const bytes = Buffer.from(text);
  const field = new FormReader('b').find(bytes);
  return field && bytes.toString('utf8', field.start, field.end);
};

test('the model is found before, behind and between other parts', () => {
  const file = part('file', 'name="model"\r\n\r\n--bold', '; filename="a.wav"\r\nContent-Type: audio/wav');
  for (const form of [
    `${part('model', 'whisper-1')}${file}--b--`,
    `${file}${part('model', 'whisper-1')}--b--`,
    `${file}${part('models', 'x')}${part('model', 'whisper-1')}${part('n', '1')}--b--`,
  ])
    assert.equal(find(form), 'whisper-1');
  assert.equal(find(`${file}--b--`), null);
});

test('property: pieces of any size give the same answer', () => {
  fc.assert(
    fc.property(fc.nat(200), fc.integer({ min: 1, max: 50 }), (filler, size) => {
      const form = Buffer.from(`${part('file', 'x'.repeat(filler))}${part('model', 'm')}--b--`);
      const reader = new FormReader('b');
      let found: string | null = null;
      for (let end = size; found === null && end < form.length + size; end += size) {
        const field = reader.find(form.subarray(0, end));
        if (field) found = form.toString('utf8', field.start, field.end);
      }
      assert.equal(found, 'm');
    }),
  );
});

test('a boundary is read quoted or bare', () => {
  assert.equal(boundaryOf('multipart/form-data; boundary="a b"'), 'a b');
  assert.equal(boundaryOf('multipart/form-data; charset=utf-8; boundary=----x'), '----x');
  assert.equal(boundaryOf('multipart/form-data'), null);
});
