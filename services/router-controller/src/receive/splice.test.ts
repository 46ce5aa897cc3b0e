import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonScanner, scan } from './scanner.ts';
import { splice, spliceObject, valueBytes } from './splice.ts';

const ANY = { maxDepth: Number.POSITIVE_INFINITY, maxValues: Number.POSITIVE_INFINITY };
const edit = (text: string, edits: Record<string, string | null>) => {
  const bytes = Buffer.from(text);
  return splice(bytes, scan(bytes, ANY), edits).toString();
};

test('only the ranges of the named members change', () => {
  const body = '{ "b":1.0, "10":1e400 ,"model" : "auto","seed":9223372036854775807,\n"2":[ ],"b":-0}';
  assert.equal(
    edit(body, { model: '"m"' }),
    '{ "b":1.0, "10":1e400 ,"model" : "m","seed":9223372036854775807,\n"2":[ ],"b":-0}',
  );
});

test('a member that is not there is added, one that is to go goes with its comma', () => {
  assert.equal(edit('{}', { model: '"m"' }), '{"model":"m"}');
  assert.equal(edit(' { } ', { model: '"m"' }), ' {"model":"m" } ');
  assert.equal(edit('{"a":1}', { model: '"m"' }), '{"model":"m","a":1}');
  assert.equal(edit('{"x":1,"a":2}', { x: null }), '{"a":2}');
  assert.equal(edit('{"a":2 , "x":{"y":[1]}}', { x: null }), '{"a":2}');
  assert.equal(edit('{"a":1,"x":2,"b":3}', { x: null }), '{"a":1,"b":3}');
  assert.equal(edit('{"x":2}', { x: null, model: '1' }), '{"model":1}');
  assert.equal(edit('{"a":1}', { x: null }), '{"a":1}');
});

test('a name that stands twice, or with escapes, is the same name', () => {
  assert.equal(edit('{"model":"a","mod\\u0065l":"b"}', { model: '"m"' }), '{"model":"m","mod\\u0065l":"m"}');
  assert.equal(edit('{"x":1,"\\u0078":2,"y":3}', { x: null }), '{"y":3}');
});

test('deeper members of the same name, and text that looks like one, stay', () => {
  const body = '{"a":{"model":1},"b":"\\"model\\":2","c":[{"model":3}],"model":4,"d":"\\\\"}';
  assert.equal(edit(body, { model: '5' }), body.replace('"model":4', '"model":5'));
});

test('an object that is a value is edited in place too', () => {
  assert.equal(
    spliceObject(Buffer.from('{"x":1e2}'), { include_usage: 'true' }),
    '{"include_usage":true,"x":1e2}',
  );
  assert.equal(spliceObject(Buffer.from('null'), { include_usage: 'true' }), '{"include_usage":true}');
  assert.equal(spliceObject(null, { include_usage: 'true', gone: null }), '{"include_usage":true}');
});

/**
 * JSON text with the spellings that a parser would not keep. Of names with a short escape there is one: V8 takes one for another (`dialects/testing.ts`),
 * and it is V8 that is asked what is right.
 */
const json = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.json({ maxDepth: 1 }).filter((text) => !text.includes('\\')),
    fc.constantFrom(
      '1.0',
      '1e400',
      '-0',
      '9223372036854775807',
      'true',
      'null',
      '""',
      '"\\u0061\\n\\\\"',
      '"é🙂"',
      '"\\""',
    ),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }).map((items) => `[ ${items.join(' ,')}]`),
  object: fc
    .array(
      fc.tuple(
        fc.oneof(
          fc.constantFrom('a', 'model', 'mod\\u0065l', '\\\\'),
          fc
            .string()
            .map((s) => JSON.stringify(s).slice(1, -1))
            .filter((name) => !name.includes('\\')),
        ),
        tie('value'),
      ),
      { maxLength: 5 },
    )
    .map((members) => `{${members.map(([name, value]) => `\n"${name}" : ${value}`).join(' ,')} }`),
})).object;

test('property: what is not named is byte-equal, and the parsed result is what was asked', () => {
  fc.assert(
    fc.property(json, fc.integer({ min: 1, max: 7 }), (text, size) => {
      const bytes = Buffer.from(text);
      // In pieces of any size the layout is the same.
      const scanner = new JsonScanner(ANY);
      for (let at = 0; at < bytes.length; at += size) scanner.push(bytes.subarray(at, at + size));
      assert.deepEqual(scanner.members, scan(bytes, ANY).members);
      const edited = splice(bytes, scanner, { model: '"new"', gone: null }).toString();
      const before = JSON.parse(text) as Record<string, unknown>;
      const after = JSON.parse(edited) as Record<string, unknown>;
      assert.deepEqual({ ...before, model: 'new' }, after);
      for (const { name, start, end } of scanner.members)
        if (name !== 'model') assert.ok(edited.includes(bytes.subarray(start, end).toString()));
      if (Object.hasOwn(before, 'model')) {
        const value = valueBytes(bytes, scanner, 'model')!.toString();
        assert.deepEqual(JSON.parse(value), before.model);
        assert.equal(splice(bytes, scanner, { model: value }).length >= value.length, true);
      }
    }),
    { numRuns: 500 },
  );
});

test('nesting and the number of values are bounded while bytes come', () => {
  const refuse = (text: string, bounds = { maxDepth: 8, maxValues: 100 }) => {
    const scanner = new JsonScanner(bounds);
    assert.throws(
      () => scanner.push(Buffer.from(text)),
      (error: { code?: string }) => error.code === 'invalid_request',
    );
  };
  refuse('['.repeat(9));
  refuse(`{"a":${'{"a":'.repeat(8)}`);
  refuse(`[${'{},'.repeat(60)}`);
  refuse(`{"a":[${'1,'.repeat(101)}`);
  scan(Buffer.from(`{"a":"${'[{,'.repeat(500)}"}`), { maxDepth: 2, maxValues: 3 });
});

test('a megabyte of backslashes and quotes is looked at once', () => {
  for (const unit of ['\\\\', '\\"', '\\\\\\"', 'a\\']) {
    const scanner = new JsonScanner(ANY);
    const bytes = Buffer.from(`{"a":"${unit.repeat(500_000)}`);
    const started = performance.now();
    for (let at = 0; at < bytes.length; at += 65_536) scanner.push(bytes.subarray(at, at + 65_536));
    // Generous: a quadratic look takes minutes.
    assert.ok(performance.now() - started < 5_000, unit);
  }
});
