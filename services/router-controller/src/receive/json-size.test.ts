import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonSize } from './json-size.ts';

test('property: the size of a small value is that of its JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(jsonSize(value), Buffer.byteLength(JSON.stringify(value)));
    }),
  );
  assert.equal(jsonSize(undefined), 0);
});

test('the size of a big value is near that of its JSON', () => {
  const tools = Array.from({ length: 3_000 }, (_, n) => ({
    name: `t${n}`,
    about: 'é words '.repeat(40),
    n,
    deep: [null, true, { a: 1.5 }],
  }));
  const exact = Buffer.byteLength(JSON.stringify(tools));
  assert.ok(Math.abs(jsonSize(tools) - exact) < exact / 50, `${jsonSize(tools)} for ${exact}`);
});
