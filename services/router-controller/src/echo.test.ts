import assert from 'node:assert/strict';
import { test } from 'node:test';
import { echo } from './echo.ts';
import { RouterError } from './errors.ts';

test('a text is repeated on one line, cut, and without what moves a cursor or turns a line around', () => {
  assert.equal(echo('plain ünï 日本 🙂 text'), 'plain ünï 日本 🙂 text');
  assert.equal(echo('a\nb\u001b[2Jc\u202ed\u0000'), 'a\\u000ab\\u001b[2Jc\\u202ed\\u0000');
  assert.equal(echo('\ud800 \udc00 \ud83d\ude42'), '\\ud800 \\udc00 \ud83d\ude42');
  const long = echo('x'.repeat(5_000_000));
  assert.equal(long, `${'x'.repeat(200)}… (5000000 characters)`);
  // Not half a character at the cut.
  assert.ok(echo(`${'x'.repeat(199)}🙂`).isWellFormed());
});

test('an error is one bounded line, whatever it repeats', () => {
  const { error } = new RouterError('invalid_request', `it was ${'x\n'.repeat(1_000_000)}`, {
    param: 'p'.repeat(1_000_000),
  }).toBody();
  assert.ok(error.message.length < 30_000 && !error.message.includes('\n'));
  assert.ok(error.param!.length < 300);
});
