import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteLength, KEPT_BYTES, LONG_BYTES, LongTexts } from './long-text.ts';
import { parseInSlices } from './parse.ts';

const parse = (text: string | Buffer, texts = new LongTexts()) =>
  parseInSlices(Buffer.from(text as string), texts);

test('property: the value is what JSON.parse makes of it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json({ maxDepth: 5 }), async (text) => {
      assert.deepEqual(await parse(text), JSON.parse(text));
    }),
    { numRuns: 300 },
  );
  const odd = ' {"a" : [1.5e3 , -0, true,false,null,"\\u00e9\\n\\"", {}, []], "__proto__":{"x":1}, "a":2} ';
  assert.deepEqual(await parse(odd), JSON.parse(odd));
  assert.equal(Object.hasOwn((await parse(odd)) as object, '__proto__'), true);
});

test('property: what is no JSON is refused as JSON.parse refuses it', async () => {
  const words = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '1',
    '01',
    '-',
    'tru',
    'true',
    '1.',
    '.5',
    '"',
    '\\',
    '"\\x"',
    '"\u0001"',
    ' ',
    '1e',
    'NaN',
    "'a'",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(words, { maxLength: 8 }), async (parts) => {
      const text = parts.join('');
      let right: unknown;
      let valid = true;
      try {
        right = JSON.parse(text);
      } catch {
        valid = false;
      }
      if (valid) assert.deepEqual(await parse(text), right);
      else
        await assert.rejects(parse(text), (error: { code?: string; message: string }) => {
          assert.equal(error.code, 'invalid_json');
          assert.match(error.message, /at byte \d+$/);
          return true;
        });
    }),
    { numRuns: 1_000 },
  );
});

/** Pieces of a JSON string's inside, where a cut could do harm. */
const inside = fc
  .array(
    fc.constantFrom(
      'a',
      'é',
      '🙂',
      '\\n',
      '\\\\',
      '\\"',
      '\\ud83d\\ude00',
      '\\u00e9',
      'plain words, many of them ',
      '字',
    ),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((parts) => parts.join('').repeat(Math.ceil((3 * LONG_BYTES) / Math.max(1, parts.join('').length))));

test('property: a long string keeps head and tail, and is rendered to the same text', async () => {
  await fc.assert(
    fc.asyncProperty(inside, fc.nat(3), async (text, shift) => {
      const whole = JSON.parse(`"${'x'.repeat(shift)}${text}"`) as string;
      const body = Buffer.from(`{"a":"${'x'.repeat(shift)}${text}","b":[1]}`);
      const texts = new LongTexts();
      const value = (await parse(body, texts)) as { a: string };
      assert.equal(texts.size, 1);
      assert.ok(value.a.length < 4 * KEPT_BYTES);
      const head = value.a.slice(0, value.a.indexOf('\ue000'));
      assert.ok(head.length > 1_000 && whole.startsWith(head));
      assert.ok(whole.endsWith(value.a.slice(value.a.lastIndexOf('\ue000') + 1)));
      const rendered = JSON.parse(texts.render({ x: `before ${value.a}` }).toString()) as { x: string };
      assert.equal(rendered.x, `before ${whole}`);
    }),
    { numRuns: 60 },
  );
});

test('a text of plain letters knows its whole length', async () => {
  const texts = new LongTexts();
  const value = (await parse(`["${'é'.repeat(LONG_BYTES)}"]`, texts)) as [string];
  assert.equal(byteLength(value[0]), 2 * LONG_BYTES);
  assert.equal(byteLength('short é'), 8);
});

test('a marker of somebody else is text', () => {
  const texts = new LongTexts();
  texts.cut(Buffer.from('y'.repeat(3 * LONG_BYTES)), String);
  const forged = '\ue0000123456789abcdef:0:5\ue000';
  assert.equal(JSON.parse(texts.render(forged).toString()), forged);
});
