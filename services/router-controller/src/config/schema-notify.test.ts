/** Webhooks in the configuration: what is refused says what would be right, and their addresses count as secrets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from './load.ts';
import { ConfigError } from './problems.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const text = (webhooks: unknown) =>
  JSON.stringify({
    targets: [{ name: 't', api_base: 'http://127.0.0.1:1', model: 'm' }],
    policies: [{ name: 'p', url: 'grpc://127.0.0.1:1/m', llms: [{ name: 'A', target: 't' }] }],
    notify: { webhooks },
  });
const problems = (webhooks: unknown): string[] => {
  try {
    parseConfig(text(webhooks), 'f.yaml', { env: {} });
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
};
const hook = (more: object = {}) => ({
  name: 'ops',
  url: 'https://example.com/hook',
  secret: SECRET,
  ...more,
});

test('one that is right is taken, also with a secret that comes later', () => {
  assert.deepEqual(problems([hook()]), []);
  assert.deepEqual(problems([hook({ secret: [SECRET, SECRET] })]), []);
  assert.deepEqual(problems([hook({ form: 'slack', secret: undefined })]), []);
});

test('what is wrong is told with its place, and never with the address or the secret', () => {
  const cases: [object, RegExp][] = [
    [hook({ secret: undefined }), /webhooks\[0\]\.secret: missing: without it/],
    [hook({ secret: 'whsec_short' }), /webhooks\[0\]\.secret/],
    [hook({ secret: SECRET.replace('whsec_', '') }), /webhooks\[0\]\.secret/],
    [hook({ form: 'slack' }), /webhooks\[0\]\.secret: no receiver of form slack/],
    [hook({ url: 'ftp://example.com/private-path' }), /webhooks\[0\]\.url: want http/],
    [hook({ url: 'https://me:private-path@example.com' }), /webhooks\[0\]\.url: holds a user or password/],
    [hook({ url: 'private-path' }), /webhooks\[0\]\.url: not a URL/],
    [hook({ events: ['breaker.open'] }), /webhooks\[0\]\.events\[0\]: must be one of: .*breaker\.opened/],
    [hook({ evnts: [] }), /webhooks\[0\]\.evnts: unknown key\. Did you mean 'events'/],
  ];
  for (const [webhook, wanted] of cases) {
    const found = problems([webhook]).join('\n');
    assert.match(found, wanted);
    assert.doesNotMatch(found, /private-path|whsec_B/);
  }
  assert.match(problems([hook(), hook()]).join('\n'), /webhooks\[1\]\.name: 'ops' stands twice/);
});

test('address and secret are known as secrets', () => {
  const { secrets } = parseConfig(text([hook()]), 'f.yaml', { env: {} });
  assert.deepEqual(
    secrets.map(({ path, value }) => [path, value.reveal()]),
    [
      ['notify.webhooks[0].url', 'https://example.com/hook'],
      ['notify.webhooks[0].secret', SECRET],
    ],
  );
});
