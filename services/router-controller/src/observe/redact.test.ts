import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPlain, mayHoldSecret, redact } from './redact.ts';

test('fields that hold secrets are hidden by name, whatever they hold', () => {
  const names = [
    'authorization',
    'Proxy-Authorization',
    'cookie',
    'set-cookie',
    'x-api-key',
    'api_key',
    'apiKey',
    'password',
    'token',
    'access_token',
    'client_secret',
    'private_key',
  ];
  for (const name of names) assert.deepEqual(redact({ [name]: 'plain' }), { [name]: '[REDACTED]' }, name);
  assert.deepEqual(redact({ a: [{ secret: { deep: 1 } }] }), { a: [{ secret: '[REDACTED]' }] });
});

test('counts of tokens, ids of keys and names of labels stay', () => {
  const kept = {
    usage: { promptTokens: 12, completionTokens: 3 },
    token_count: 4,
    caller: 'key-blue',
    label: 'Code Generation',
    target: 'task-force-sk-1',
    request_id: 'req_0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9',
  };
  assert.deepEqual(redact(kept), kept);
});

test('values that look like secrets are hidden wherever they stand', () => {
  const secrets = [
    'nvapi-abcDEF123456_x',
    'sk-proj-abcdef123456',
    'llmr_0123456789abcdef',
    'ghp_abcdefghijkl',
    'github_pat_11ABCDEFG',
    'glpat-abcdef123456',
    'xoxb-123456-abcdef',
    'hf_abcdefghijkl',
    'gsk_abcdefghijkl',
    'AIzaSyA-abcdefghijk',
    'AKIAIOSFODNN7EXAMPLE',
    'Bearer abcdefgh12345',
    'bearer abcdefgh12345',
    'Basic dXNlcjpwYXNz',
    'eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl',
    '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----',
  ];
  for (const secret of secrets) {
    const text = String(redact(`before ${secret} after`));
    assert.equal(text, 'before [REDACTED] after', secret);
  }
  assert.equal(redact('redis://user:hunter2@redis:6379/0'), 'redis://user:[REDACTED]@redis:6379/0');
});

test('errors keep name, message, stack and cause, without secrets', () => {
  const cause = new Error('401 for sk-abcdefgh1234');
  const out = redact(new TypeError('call with Bearer abcdefgh12345 failed', { cause })) as Record<
    string,
    unknown
  >;
  assert.equal(out.name, 'TypeError');
  assert.equal(out.message, 'call with [REDACTED] failed');
  assert.doesNotMatch(JSON.stringify(out), /abcdefgh/);
  assert.equal((out.cause as { message: string }).message, '401 for [REDACTED]');
});

test('what is too deep, too long or circular is cut, not passed on', () => {
  const loop: Record<string, unknown> = { password: 'x' };
  loop.self = loop;
  assert.match(JSON.stringify(redact(loop)), /too deep to log/);
  const long = String(redact('x'.repeat(100_000)));
  assert.ok(long.length < 20_000);
  assert.match(long, /\(100000 characters\)$/);
  // A body of any kind takes no time worth speaking of.
  redact('a:'.repeat(50_000));
  redact(`${'://'.repeat(5_000)}`);
});

test('property: what is written as it is would be written the same by way of redaction', () => {
  const word = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom(
      'nvapi-abcDEF123456_x',
      'a\nsk-proj-abcdef123456',
      'x "AKIAIOSFODNN7EXAMPLE"',
      'bearer\tabcdefgh12345',
      'eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl',
      'redis://user:hunter2@redis:6379/0',
      '\u0001-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----',
    ),
  );
  const name = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('api_key', 'Cookie', 'usage', 'token'));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      word,
      fc.double(),
      fc.constant(null),
      fc.constant(undefined),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(name, tie('value'), { maxKeys: 4 }),
    ),
  }));
  let plain = 0;
  fc.assert(
    fc.property(value, (each) => {
      const json = JSON.stringify(each);
      if (json === undefined || !isPlain(each) || mayHoldSecret(json)) return;
      plain++;
      assert.equal(json, JSON.stringify(redact(each)));
    }),
    { numRuns: 2_000 },
  );
  assert.ok(plain > 200, `${plain} were plain`);
  for (const odd of [
    new Error('x'),
    { at: new Date() },
    { secret: 1 },
    'x'.repeat(20_000),
    [[[[[[1]]]]]],
    1n,
  ])
    assert.equal(isPlain(odd), false);
});
