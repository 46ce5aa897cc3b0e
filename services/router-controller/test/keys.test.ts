/** Keys in Redis by CLI and admin API, tokens of an identity provider, and that none of it is ever told. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { promisify } from 'node:util';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { programOf } from '../../bundler/src/program.ts';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { hashKey } from '../src/authenticate/index.ts';
import { assertDescribed } from './described.ts';
import { chat, eventually, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const CLI = programOf(join(import.meta.dirname, '../src/keys-cli.ts'));
const ADMIN_TOKEN = 'admin-token-of-this-test-0123456789';
const UPSTREAM_KEY = 'nvapi-secret-of-the-upstream-0123456789';
const REDIS_PASSWORD = 'redis-password-0123456789';
const LABELS = ['A', 'B'];

let redis: RedisServer;
let jwks: Server;
let issuer: string;
let privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
const folder = mkdtempSync(join(tmpdir(), 'llm-router-keys-'));
before(async () => {
  redis = await startRedis(['--requirepass', REDIS_PASSWORD]);
  const pair = await generateKeyPair('ES256');
  privateKey = pair.privateKey;
  const published = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256' }] };
  jwks = createServer((_request, response) => response.end(JSON.stringify(published)));
  await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(jwks.address() as { port: number }).port}`;
});
after(async () => {
  await redis.close();
  await new Promise((resolve) => jwks.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

/** @param patience longest wait for Redis, ms: a busy machine is not to look like a Redis that is away. */
const config = (more = '', patience = 60_000) => `
targets:
  - { name: llm, api_base: "{LLM}", api_key: ${UPSTREAM_KEY}, model: m, price: { input: 1, output: 1 } }
policies:
  - { name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }
  - { name: two, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }
default_policy: one
auth: { keys_in_redis: true, jwt: { issuer: "${issuer}", audience: router, jwks_url: "${issuer}/jwks", policies_claim: policies } }
admin: { port: 0, token: ${ADMIN_TOKEN} }
redis: { url: "${redis.url}", password: ${REDIS_PASSWORD}, call_timeout_ms: ${patience} }
decision_log: { path: "${join(folder, 'decisions.jsonl')}" }
${more}`;

const running: Whole[] = [];
afterEach(() => Promise.allSettled(running.splice(0).map((whole) => whole.stop())).then(() => {}));
async function start(more = '', patience = 60_000): Promise<Whole> {
  const whole = await startWhole({
    config: config(more, patience),
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
  running.push(whole);
  return whole;
}
const ask = (whole: Whole, key: string, model = 'one') =>
  chat(whole.url, { model, messages: user('Hello there') }, { headers: { authorization: `Bearer ${key}` } });
const cli = async (...args: string[]) => {
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args]);
  return stdout;
};
const admin = async (whole: Whole, path: string, init: RequestInit = {}, token = ADMIN_TOKEN) => {
  const response = await fetch(`${whole.router.adminUrl}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${token}` },
  });
  const body = (await response.json()) as Record<string, unknown>;
  assertDescribed(init.method ?? 'GET', path, response.status, body);
  return { status: response.status, body };
};
const keyIn = (text: string) => /sk-llmr-[\w-]{43}/.exec(text)![0];

test('a key made by the CLI works, is rotated, listed and revoked; the file holds only its hash', async () => {
  const file = join(folder, 'router.yaml');
  writeFileSync(file, config().replaceAll('{LLM}', 'http://127.0.0.1:9'));
  const whole = await start();
  const created = await cli(
    'create',
    '--config',
    file,
    '--tenant',
    'acme',
    '--policies',
    'one',
    '--name',
    'for the bot',
  );
  const [key, id] = [keyIn(created), /key_[0-9a-f]{12}/.exec(created)![0]];
  assert.equal((await ask(whole, key)).status, 200);
  assert.equal((await ask(whole, key, 'two')).status, 403);
  assert.match(
    await cli('list', '--config', file),
    new RegExp(`${id} +acme +for the bot +one +\\d{4}-\\d\\d-\\d\\d +never`),
  );
  const rotated = keyIn(await cli('rotate', id, '--config', file));
  assert.equal((await ask(whole, rotated)).status, 200);
  const until = Date.now() + 15_000;
  while ((await ask(whole, key)).status !== 401) {
    assert.ok(Date.now() < until, 'the old key is still taken');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await cli('revoke', id, '--config', file);
  while ((await ask(whole, rotated)).status !== 401) {
    assert.ok(Date.now() < until, 'the revoked key is still taken');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await whole.stop();
});

test('without Redis the CLI prints lines that the configuration takes', async () => {
  const printed = await cli(
    'create',
    '--tenant',
    'acme',
    '--tpm',
    '1000',
    '--budget-usd',
    '2.5',
    '--budget-period',
    'week',
    '--budget-begins',
    'Sunday',
    '--budget-time-zone',
    'Europe/Berlin',
    '--expires',
    '30d',
  );
  const stanza = printed.slice(printed.indexOf('auth:'));
  assert.match(stanza, /period: week/);
  assert.match(stanza, /begins: sunday/);
  assert.match(stanza, /time_zone: Europe\/Berlin/);
  const whole = await startWhole({
    config: `
targets: [{ name: llm, api_base: "{LLM}", model: m }]
policies: [{ name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }]
${stanza}`,
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
  const response = await ask(whole, keyIn(printed));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('x-ratelimit-limit-tokens'), '1000');
  assert.equal((await ask(whole, 'sk-llmr-wrong')).status, 401);
  await whole.stop();
});

test('the CLI says what is wrong', async () => {
  for (const [args, message] of [
    [['create', '--rpm', '0'], /--rpm/],
    [['create', '--expires', 'soon'], /--expires wants a date/],
    [['create', '--budget-usd', '1', '--budget-time-zone', 'Mars'], /--budget-time-zone.*no time zone/],
    [['create', '--budget-usd', '1', '--budget-begins', '3', '--budget-period', 'day'], /--budget-begins/],
    [['list'], /needs --config/],
    [['lost'], /no command 'lost'/],
  ] as const) {
    await assert.rejects(cli(...args), (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 2);
      assert.match(error.stderr, message);
      return true;
    });
  }
});

test('the admin API makes, tells, rotates and revokes keys, and tells usage; only with its token', async () => {
  const whole = await start();
  for (const path of ['/admin/keys', '/admin/usage?id=x', '/nowhere'])
    assert.equal((await admin(whole, path, {}, 'not-the-token')).status, 401, path);
  // The admin API is not on the public port.
  assert.equal(
    (await fetch(`${whole.url}/admin/keys`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).status,
    404,
  );

  const body = JSON.stringify({ name: 'bot', tenant: 'shop', limits: { requests_per_minute: 2 } });
  const created = await admin(whole, '/admin/keys', { method: 'POST', body });
  assert.equal(created.status, 201);
  const { id, key } = created.body as unknown as { id: string; key: string };
  const first = await ask(whole, key);
  assert.equal(first.headers.get('x-ratelimit-limit-requests'), '2');
  await first.text();
  await (await ask(whole, key)).text();
  const third = await ask(whole, key);
  assert.equal(third.status, 429);
  assert.match(
    ((await third.json()) as { error: { message: string } }).error.message,
    /Limit 'key:own' of key/,
  );
  const one = await admin(whole, `/admin/keys/${id}`);
  assert.equal(one.body.tenant, 'shop');
  assert.equal(one.body.hash, undefined);
  assert.equal(one.body.key, undefined);
  await eventually('its usage is told', async () => {
    const { body } = await admin(whole, '/admin/usage?id=shop&scope=tenant');
    return (body.total as { requests: number }).requests === 2;
  });
  const rotated = await admin(whole, `/admin/keys/${id}/rotate`, { method: 'POST' });
  assert.notEqual(rotated.body.key, key);
  assert.equal((await admin(whole, `/admin/keys/${id}`, { method: 'DELETE' })).status, 200);
  assert.equal((await admin(whole, `/admin/keys/${id}`)).status, 404);

  for (const [wrong, param] of [
    [{ policies: ['three'] }, 'policies'],
    [{ limits: {} }, 'limits'],
    [{ tennant: 'x' }, 'tennant'],
  ] as const) {
    const refused = await admin(whole, '/admin/keys', { method: 'POST', body: JSON.stringify(wrong) });
    assert.equal(refused.status, 400);
    assert.equal((refused.body.error as { param: string }).param, param);
  }
  await whole.stop();
});

test('keys that were good lately stay good while Redis is away; others are told to wait', async () => {
  const whole = await start('', 5_000);
  const created = await admin(whole, '/admin/keys', { method: 'POST', body: '{}' });
  const { key } = created.body as unknown as { key: string };
  assert.equal((await ask(whole, key)).status, 200);
  await redis.pause();
  try {
    assert.equal((await ask(whole, key)).status, 200);
    const other = await ask(whole, 'sk-llmr-never-seen');
    assert.equal(other.status, 503);
    assert.equal(((await other.json()) as { error: { code: string } }).error.code, 'auth_unavailable');
  } finally {
    redis.resume();
  }
  await whole.stop();
});

const token = (
  claims: object,
  { audience = 'router', expires = '5m', from = issuer, key = privateKey } = {},
) =>
  new SignJWT({ tenant: 'acme', policies: ['one'], ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer(from)
    .setAudience(audience)
    .setSubject('ann@example.com')
    .setExpirationTime(expires)
    .sign(key);

test('a token of the identity provider lets in its tenant, for its policies', async () => {
  const whole = await start();
  const good = await ask(whole, await token({}));
  assert.equal(good.status, 200);
  await good.text();
  assert.equal((await ask(whole, await token({}), 'two')).status, 403);
  await eventually('the tenant is logged', () =>
    /"caller":"jwt:acme:ann@example\.com".*"tenant":"acme"/.test(whole.logged()),
  );
  const stranger = (await generateKeyPair('ES256')).privateKey;
  for (const [wrong, message] of [
    [await token({}, { audience: 'other' }), /claim 'aud'/],
    [await token({}, { from: 'http://evil.example' }), /claim 'iss'/],
    [await token({}, { expires: '1s ago' }), /expired/],
    [await token({}, { key: stranger }), /signature/],
    [await token({ tenant: 7 }), /'tenant'/],
    ['eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.', /signature/],
  ] as const) {
    const refused = await ask(whole, wrong);
    assert.equal(refused.status, 401);
    assert.match(((await refused.json()) as { error: { message: string } }).error.message, message);
  }
  await whole.stop();
});

test('nothing that a run writes holds a key, a token, a password or a prompt', async () => {
  const traces: string[] = [];
  const collector = createServer((request, response) => {
    request.on('data', (part) => traces.push(String(part)));
    request.on('end', () => response.end('{}'));
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as { port: number };
  const whole = await start(`tracing: { endpoint: "http://127.0.0.1:${port}" }`);
  const created = await admin(whole, '/admin/keys', { method: 'POST', body: '{"tenant":"acme"}' });
  const { key } = created.body as unknown as { key: string };
  const jwt = await token({});
  const told: string[] = [];
  for (const [given, model] of [
    [key, 'one'],
    [jwt, 'one'],
    [key, 'no-such-policy'],
    ['sk-llmr-wrong-key-0123456789', 'one'],
  ] as const) {
    const response = await ask(whole, given, model);
    told.push(await response.text(), JSON.stringify([...response.headers]));
  }
  for (const path of ['/metrics', '/config', '/v1/models', '/v1/usage', '/readyz']) {
    const response = await fetch(`${whole.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
    told.push(await response.text());
  }
  told.push(JSON.stringify((await admin(whole, '/admin/keys')).body));
  await whole.stop();
  await new Promise((resolve) => collector.close(resolve));
  assert.match(traces.join(''), /EVALSHA|HGET/, 'Redis calls are traced');
  told.push(
    whole.logged(),
    ...traces,
    ...readdirSync(folder)
      .filter((name) => name.startsWith('decisions'))
      .map((name) => readFileSync(join(folder, name), 'utf8')),
  );
  const all = told.join('\n');
  assert.ok(all.length > 5_000);
  const secrets = {
    key,
    jwt,
    wrong: 'sk-llmr-wrong-key-0123456789',
    ADMIN_TOKEN,
    UPSTREAM_KEY,
    REDIS_PASSWORD,
    hash: hashKey(key),
  };
  for (const [name, secret] of Object.entries(secrets)) assert.ok(!all.includes(secret), `${name} is told`);
  for (const text of [whole.logged(), ...traces])
    assert.ok(!text.includes('Hello there'), 'the prompt is told');
});
