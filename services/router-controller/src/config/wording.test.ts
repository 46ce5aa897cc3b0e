import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, parseConfig } from './index.ts';

/** What is said of a configuration that is wrong in one place. */
function said(text: string): string {
  const whole = /^policies:/m.test(text)
    ? text
    : `${text}\npolicies: [{ name: p, url: "grpc://a:1/m", llms: [{ name: A, api_base: "http://a", model: m }] }]`;
  try {
    parseConfig(whole, 'f.yaml', { env: {} });
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ path, message }) => `${path}: ${message}`).join('\n');
  }
  return 'nothing';
}

for (const [text, words] of [
  ['targets: [{ name: a, model: m }]', 'targets[0].api_base: missing; it must be text, or a list'],
  ['targets: [{ name: a, api_base: 3, model: m }]', 'targets[0].api_base: must be text, or a list'],
  ['targets: [{ name: a, api_base: [], model: m }]', 'targets[0].api_base: must have at least 1 item'],
  [
    'targets: [{ name: a, api_base: "http://a", model: m, price: 3 }]',
    'targets[0].price: must be a mapping, not a number',
  ],
  ['server: { port: abc }', 'server.port: must be a number, not text'],
  ['server: { port: 80.5 }', 'server.port: must be a whole number, not a fraction'],
  ['server: { port: 70000 }', 'server.port: must be at most 65535'],
  ['policies:', 'policies: must be a list, not empty'],
  ['policies: []', 'policies: must have at least 1 item'],
  ['admin: { token: short }', 'admin.token: must have at least 24 characters'],
  ['logging: { level: loud }', 'logging.level: must be one of: error, warn, info, debug'],
  [
    'redis: { url: "http://x" }',
    'redis.url: want redis://HOST:PORT/DB or rediss://…; user and password have keys of their own',
  ],
  ['notify: { webhooks: [{ url: "https://x" }] }', 'notify.webhooks[0].name: missing; it must be text'],
  [
    `auth: { keys: [{ id: abc, hash: x }] }`,
    'auth.keys[0].hash: must match /^sha256:[0-9a-f]{64}$/: sha256:<hex> of the key, as `npm run keys` prints it',
  ],
  [
    `auth: { keys: [{ id: abc, hash: "sha256:${'0'.repeat(64)}", expires: tomorrow }] }`,
    'auth.keys[0].expires: must be a time such as 2026-12-31T23:59:00Z',
  ],
] as const)
  test(`${text}: ${words}`, () => assert.equal(said(text), words));
