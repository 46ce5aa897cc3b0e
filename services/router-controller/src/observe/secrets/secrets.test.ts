/** Secrets are found in every form and at every cut, and nothing else is touched. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formsOf } from './forms.ts';
import { KnownSecrets } from './index.ts';
import { Matcher } from './matcher.ts';

/** No issuer's prefix, and the letters that escapes change. */
const KEY = 'upsecret00112233445566778899aabb';
const ODD = 'pä"ss/w<o>r\\d & 100%\n+!ÿ🙂';
const knowing = (...values: string[]) => {
  const known = new KnownSecrets();
  known.know({}, values);
  return known;
};

describe('a text', () => {
  const forms: Record<string, (key: string) => string> = {
    'as it is': (key) => key,
    'after Bearer': (key) => `Bearer ${key}`,
    'in JSON': (key) => JSON.stringify({ error: { message: `bad key ${key}` } }),
    'in JSON in JSON': (key) => JSON.stringify({ sent: JSON.stringify({ authorization: `Bearer ${key}` }) }),
    'in JSON with escaped slashes': (key) => JSON.stringify(key).replaceAll('/', '\\/'),
    'in JSON of ASCII alone': (key) =>
      JSON.stringify(key).replaceAll(
        /[\u0080-\uffff]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      ),
    'in HTML': (key) =>
      `<p>${key.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')}</p>`,
    'in a query': (key) => new URLSearchParams({ key }).toString(),
    'in a path': (key) => `/a/${encodeURIComponent(key)}/b`,
    'in a path, small letters': (key) =>
      encodeURIComponent(key).replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    'in base64': (key) => Buffer.from(key).toString('base64'),
    'in base64url': (key) => Buffer.from(key).toString('base64url'),
    'as basic authentication': (key) => `Basic ${Buffer.from(`user:${key}`).toString('base64')}`,
    'as basic authentication of a longer name': (key) => Buffer.from(`username:${key}`).toString('base64'),
    'in base64 of a header': (key) => Buffer.from(`authorization: Bearer ${key}\r\n`).toString('base64'),
    'in base64 in JSON with escaped slashes': (key) =>
      JSON.stringify(Buffer.from(key).toString('base64')).replaceAll('/', '\\/'),
    'in base64 in a query': (key) => encodeURIComponent(Buffer.from(`u:${key}`).toString('base64')),
    'in JSON, every letter escaped': (key) =>
      `"${[...Array(key.length).keys()].map((at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`,
    'in JSON in JSON, every letter escaped in capitals': (key) =>
      JSON.stringify(
        [...Array(key.length).keys()]
          .map((at) => `\\u${key.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')}`)
          .join(''),
      ),
    'in a query, every byte escaped': (key) =>
      [...Buffer.from(key)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    'in HTML, every letter by its number': (key) =>
      [...key].map((letter) => `&#${letter.codePointAt(0)};`).join(''),
    'in HTML, every letter by its number in hex': (key) =>
      [...key].map((letter) => `&#x${letter.codePointAt(0)!.toString(16)};`).join(''),
    'in a literal of bytes': (key) =>
      [...Buffer.from(key)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
    'in hex': (key) => Buffer.from(key).toString('hex'),
  };
  for (const [name, write] of Object.entries(forms))
    test(`loses a secret ${name}`, () => {
      for (const key of [KEY, ODD, 'a1/b2+c3==d4e5', 'hunter2!']) {
        const written = write(key);
        const clean = knowing('some-other-secret', key).text(`before ${written} after`);
        assert.match(clean, /^before .*(?:\[REDACTED\]|\*{8}).* after$/s, written);
        assert.equal(clean.length, `before ${written} after`.length - lost(written, clean));
        // What is left of it is at most the letters that hang on its neighbours.
        assert.equal(knowing(key).text(clean), clean);
        for (const form of formsOf(key)) assert.ok(!clean.includes(form), `${clean} has ${form}`);
      }
    });
  /** Secrets of several bytes a character become as many stars as they had bytes. */
  const lost = (written: string, clean: string) => written.length + 'before  after'.length - clean.length;

  test('keeps what is too weak to be a secret, and is itself where there is none', () => {
    const known = knowing('short', 'password', 'stand-in', 'EMPTY');
    for (const text of ['short and sweet', 'your password, please', 'a stand-in', ''])
      assert.equal(known.text(text), text);
    assert.equal(new KnownSecrets().text(KEY), KEY);
  });

  test('loses the credentials in a header’s value, too', () => {
    const basic = `Basic ${Buffer.from('ann:correct-horse').toString('base64')}`;
    const known = knowing('Token abcdefgh-1234', basic);
    assert.equal(known.text('abcdefgh-1234'), '[REDACTED]***');
    assert.equal(known.text('correct-horse'), '[REDACTED]***');
    assert.ok(!known.text(basic).includes(basic.slice(6)));
  });
});

test('an excerpt ends before a secret or hides it, and never cuts one in two', () => {
  const known = knowing(KEY);
  for (let at = 440; at < 520; at++) {
    const told = known.excerpt(`${'x'.repeat(at)}${KEY} and more`, 500);
    assert.ok(told.length <= 500 && !told.includes(KEY.slice(0, 4)), told.slice(430));
  }
});

test('secrets of before a reload stay hidden for requests that began with them, and go with their owner', () => {
  const known = new KnownSecrets();
  const owner = {};
  known.know(owner, ['first-secret']);
  known.know(owner, ['second-secret']);
  assert.equal(known.text('first-secret second-secret'), '[REDACTED]** [REDACTED]***');
  for (let n = 0; n < 15; n++) known.know(owner, ['second-secret', `${n}-secret-of-later`]);
  assert.equal(known.text('first-secret'), 'first-secret');
  known.forget(owner);
  assert.equal(known.text('second-secret'), 'second-secret');
});

/** A small alphabet makes overlaps, repetitions and near misses common. */
const letters = (min: number, max: number) =>
  fc
    .array(fc.constantFrom('a', 'b', '\n', '"'), { minLength: min, maxLength: max })
    .map((all) => all.join(''));

test('the search finds what a naive one finds', () => {
  fc.assert(
    fc.property(
      fc.array(letters(2, 12), { minLength: 1, maxLength: 8 }),
      letters(0, 200),
      (patterns, text) => {
        const unique = [...new Set(patterns)];
        const found: string[] = [];
        new Matcher(unique.map((pattern) => Buffer.from(pattern))).each(Buffer.from(text), (start, end) =>
          found.push(`${start}-${end}`),
        );
        const wanted = unique.flatMap((pattern) =>
          [...Array(text.length).keys()]
            .filter((at) => text.startsWith(pattern, at))
            .map((at) => `${at}-${at + pattern.length}`),
        );
        assert.deepEqual(found.sort(), wanted.sort());
      },
    ),
    { numRuns: 2_000 },
  );
});

const cut = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
};
const places = fc.array(fc.nat(1_000), { maxLength: 12 });

test('a body in chunks is hidden as if it came whole, and no byte is lost', () => {
  // Without line ends: those let go of what is held.
  const text = fc
    .array(fc.constantFrom('a', 'b', 'abbabbab', 'babababa', 'abbabba', ' '), { maxLength: 40 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(text, places, (body, at) => {
      const known = knowing('abbabbab', 'babababa', 'bbabbabbabbabb');
      const stream = known.stream()!;
      const bytes = Buffer.from(body);
      const out = Buffer.concat([...cut(bytes, at).map((chunk) => stream.push(chunk)), stream.end()]);
      // Of two that overlap over a cut the first word goes out whole; what is hidden is the same.
      const hidden = (masked: Buffer) => [...bytes.keys()].filter((place) => masked[place] !== bytes[place]);
      assert.equal(out.length, bytes.length);
      assert.deepEqual(hidden(out), hidden(known.bytes(bytes)));
    }),
    { numRuns: 2_000 },
  );
});

test('a body without secrets passes byte for byte, its chunks as they are, few bytes late', () => {
  const known = knowing(KEY, ODD);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), places, (body, at) => {
      const bytes = Buffer.from(body);
      const stream = known.stream()!;
      const out: Buffer[] = [];
      let given = 0;
      for (const chunk of cut(bytes, at)) {
        given += chunk.length;
        out.push(stream.push(chunk));
        const sent = out.reduce((sum, part) => sum + part.length, 0);
        assert.ok(
          given - sent < 8 ||
            bytes.subarray(sent, given).every((byte) => KEY.includes(String.fromCharCode(byte))),
        );
      }
      assert.ok(Buffer.concat([...out, stream.end()]).equals(bytes));
    }),
  );
  const chunk = Buffer.from('data: {"choices":[{"delta":{"content":"hello"}}]}\n\n');
  assert.equal(known.stream()!.push(chunk), chunk, 'not even copied');
});

test('nothing of an event waits past its end, whatever it ends with', () => {
  for (const end of ['\n\n', '\r\n\r\n', '\r\r']) {
    // A secret that begins with the end of an event would hold every event back.
    const stream = knowing(`${end}0123456789`).stream()!;
    const event = Buffer.from(`data: x${end}`);
    assert.equal(stream.push(event).length, event.length);
  }
});

test('a secret split over chunks never goes out, and only its beginning is held back', () => {
  const known = knowing(KEY);
  for (let at = 1; at < KEY.length; at++) {
    const stream = known.stream()!;
    const first = stream.push(Buffer.from(`data: {"error":"${KEY.slice(0, at)}`));
    assert.equal(first.toString(), 'data: {"error":"');
    const second = stream.push(Buffer.from(`${KEY.slice(at)}"}\n\n`));
    assert.equal(first.toString() + second.toString(), `data: {"error":"[REDACTED]${'*'.repeat(22)}"}\n\n`);
  }
  const stream = known.stream()!;
  const almost = KEY.slice(0, -1);
  assert.equal(stream.push(Buffer.from(almost)).length, 0);
  assert.equal(stream.push(Buffer.from('!')).toString(), `${almost}!`);
});
