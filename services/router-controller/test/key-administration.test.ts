/** Keys changed under way, by admin API and command line alike: overlap, limits, budgets, doors shut and opened, who did it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { promisify } from 'node:util';
import { load as parseYaml } from 'js-yaml';
import { programOf } from '../../bundler/src/program.ts';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { hashKey, RedisKeys } from '../src/authenticate/index.ts';
import { configSchema } from '../src/config/schema.ts';
import { redisSchema } from '../src/config/schema-redis.ts';
import { createLog, createMetrics } from '../src/observe/index.ts';
import { createRedis } from '../src/redis/index.ts';
import { assertDescribed } from './described.ts';
import { chat, eventually, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const CLI = programOf(join(import.meta.dirname, '../src/keys-cli.ts'));
const TOKENS = {
  ann: 'token-of-ann-who-administers-0123456789',
  bob: 'token-of-bob-who-administers-0123456789',
  eye: 'token-of-one-who-only-looks-0123456789',
};
const FILE_KEY = 'sk-llmr-key-of-the-file-0123456789';
const LABELS = ['A', 'B'];
const folder = mkdtempSync(join(tmpdir(), 'llm-router-key-admin-'));

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(async () => {
  await redis.close();
  rmSync(folder, { recursive: true, force: true });
});

const config = (fileKey = `{ id: file_key, hash: "${hashKey(FILE_KEY)}", tenant: filed }`) => `
targets:
  - { name: llm, api_base: "{LLM}", model: m, price: { input: 1, output: 1 } }
  - { name: spare, api_base: "{LLM}", model: m }
policies:
  - { name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }
  - { name: two, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }
default_policy: one
auth: { keys_in_redis: true, keys: [${fileKey}], failures_per_minute: 100000, keys_fresh_ms: 200 }
admin:
  port: 0
  tokens:
    - { name: ann, token: ${TOKENS.ann} }
    - { name: bob, token: ${TOKENS.bob} }
    - { name: eye, token: ${TOKENS.eye}, read_only: true }
redis: { url: "${redis.url}", call_timeout_ms: 60000 }
`;

const running: Whole[] = [];
afterEach(() => Promise.allSettled(running.splice(0).map((whole) => whole.stop())).then(() => {}));
async function start(): Promise<Whole> {
  const whole = await startWhole({
    config: config(),
    standIns: false,
    watch: true,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
  running.push(whole);
  return whole;
}

interface KeyBody {
  readonly id: string;
  readonly key: string;
  readonly error: { readonly message: string; readonly param: string };
  readonly [field: string]: unknown;
}
const admin = async (
  whole: Whole,
  method: string,
  path: string,
  body?: unknown,
  token: string = TOKENS.ann,
) => {
  const response = await fetch(`${whole.router.adminUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as KeyBody;
  assertDescribed(method, path, response.status, answer);
  return { status: response.status, body: answer };
};
const ask = async (whole: Whole, key: string, model = 'one') => {
  const response = await chat(
    whole.url,
    { model, messages: user('Hello there') },
    { headers: { authorization: `Bearer ${key}` } },
  );
  return { status: response.status, headers: response.headers, text: await response.text() };
};
const comes = (what: string, whole: Whole, key: string, status: number, model?: string) =>
  eventually(what, async () => (await ask(whole, key, model)).status === status, 20_000);

const file = () => {
  const path = join(folder, 'router.yaml');
  writeFileSync(path, config().replaceAll('{LLM}', 'http://127.0.0.1:9'));
  return path;
};
const cli = async (...args: string[]) => {
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args, '--config', file()]);
  return stdout;
};
const keyIn = (text: string) => /sk-llmr-[\w-]{43}/.exec(text)![0];

test('a rotation with an overlap: both secrets are good until the time, then the old one is told that it has ended', async () => {
  const whole = await start();
  const { body: made } = await admin(whole, 'POST', '/admin/keys', { tenant: 'acme' });
  const before = Date.now();
  const rotated = await admin(whole, 'POST', `/admin/keys/${made.id}/rotate`, { grace_seconds: 3 });
  assert.equal(rotated.status, 200);
  assert.equal(rotated.body.id, made.id);
  const [until] = rotated.body.old_secrets_until as string[];
  assert.ok(Math.abs(Date.parse(until!) - before - 3_000) < 3_000);
  assert.equal((await ask(whole, rotated.body.key)).status, 200);
  assert.equal((await ask(whole, made.key)).status, 200);
  await comes('the old one ends', whole, made.key, 401);
  assert.ok(Date.now() >= Date.parse(until!), 'it ended too early');
  assert.match((await ask(whole, made.key)).text, new RegExp(`${made.id}.*expired at ${until}`));
  assert.equal((await ask(whole, rotated.body.key)).status, 200);
});

test('without an overlap all old secrets end, and an overlap can be ended before its time', async () => {
  const whole = await start();
  const { body: made } = await admin(whole, 'POST', '/admin/keys', {});
  const path = `/admin/keys/${made.id}`;
  const { body: second } = await admin(whole, 'POST', `${path}/rotate`, { grace_seconds: 3600 });
  const { body: third } = await admin(whole, 'POST', `${path}/rotate`, {
    until: new Date(Date.now() + 3_600_000).toISOString(),
  });
  for (const { key } of [made, second, third]) assert.equal((await ask(whole, key)).status, 200);
  assert.equal((await admin(whole, 'POST', `${path}/end-overlap`)).body.old_secrets_until, undefined);
  for (const { key } of [made, second]) await comes('it ends', whole, key, 401);
  assert.equal((await ask(whole, third.key)).status, 200);
  const { body: fourth } = await admin(whole, 'POST', `${path}/rotate`, { grace_seconds: 3600 });
  const { body: fifth } = await admin(whole, 'POST', `${path}/rotate`);
  for (const { key } of [third, fourth]) await comes('it ends', whole, key, 401);
  assert.equal((await ask(whole, fifth.key)).status, 200);
  // More old secrets than anybody can want are refused.
  let status = 200;
  for (let i = 0; i < 6 && status === 200; i++)
    ({ status } = await admin(whole, 'POST', `${path}/rotate`, { grace_seconds: 3600 }));
  assert.equal(status, 400);
});

test('limits, budget, policies, targets and expiry change without a new key', async () => {
  const whole = await start();
  const { body: made } = await admin(whole, 'POST', '/admin/keys', { limits: { requests_per_minute: 7 } });
  const path = `/admin/keys/${made.id}`;
  assert.equal((await ask(whole, made.key)).headers.get('x-ratelimit-limit-requests'), '7');
  const changed = await admin(whole, 'PATCH', path, {
    limits: { requests_per_minute: 90_000 },
    policies: ['one'],
    name: 'bot',
  });
  assert.equal(changed.status, 200);
  await comes('the policy is closed', whole, made.key, 403, 'two');
  assert.equal((await ask(whole, made.key)).headers.get('x-ratelimit-limit-requests'), '90000');
  // What was not named stays; null takes away.
  await admin(whole, 'PATCH', path, {
    policies: null,
    targets: ['llm'],
    budget: { period: 'day', usd: 0.000001 },
  });
  await comes('the policy is open, the budget spent', whole, made.key, 429, 'two');
  assert.match((await ask(whole, made.key)).text, /insufficient_quota/);
  const { body: now } = await admin(whole, 'GET', path);
  assert.deepEqual([now.name, now.targets, now.policies], ['bot', ['llm'], undefined]);
  await admin(whole, 'PATCH', path, { budget: null });
  await comes('the budget is gone', whole, made.key, 200);
  await admin(whole, 'PATCH', path, { expires: new Date(Date.now() + 1_000).toISOString() });
  await comes('it has ended', whole, made.key, 401);
  await admin(whole, 'PATCH', path, { expires: null });
  await comes('it is good again', whole, made.key, 200);
});

test('a key is disabled and enabled again', async () => {
  const whole = await start();
  const { body: made } = await admin(whole, 'POST', '/admin/keys', {});
  const path = `/admin/keys/${made.id}`;
  assert.equal((await ask(whole, made.key)).status, 200);
  assert.equal((await admin(whole, 'POST', `${path}/disable`)).body.disabled, true);
  await comes('it is refused', whole, made.key, 401);
  assert.match((await ask(whole, made.key)).text, /disabled/);
  assert.equal((await admin(whole, 'POST', `${path}/enable`)).body.disabled, undefined);
  await comes('it is taken', whole, made.key, 200);
});

test('who did what, when: named administrators, before and after, no secret', async () => {
  const whole = await start();
  const { body: made } = await admin(whole, 'POST', '/admin/keys', { tenant: 'audited' });
  const path = `/admin/keys/${made.id}`;
  await admin(whole, 'PATCH', path, { limits: { requests_per_minute: 5 } }, TOKENS.bob);
  const { body: rotated } = await admin(whole, 'POST', `${path}/rotate`, { grace_seconds: 60 }, TOKENS.bob);
  await cli('disable', made.id, '--by', 'carol');
  await cli('enable', made.id, '--by', 'carol');
  await admin(whole, 'DELETE', path);
  const { body } = await admin(whole, 'GET', `/admin/audit?key_id=${made.id}`, undefined, TOKENS.eye);
  const entries = body.data as Record<string, unknown>[];
  assert.deepEqual(
    entries.map(({ by, action }) => `${by} ${action}`),
    ['ann revoked', 'cli:carol enabled', 'cli:carol disabled', 'bob rotated', 'bob changed', 'ann created'],
  );
  const [change] = entries.filter(({ action }) => action === 'changed');
  assert.equal(change!.tenant, 'audited');
  assert.equal(change!.from, '127.0.0.1');
  assert.deepEqual(change!.changes, {
    limits: { after: { requests_per_minute: 5, on_redis_failure: 'local' } },
  });
  assert.ok(entries.every(({ at }) => Math.abs(Date.parse(String(at)) - Date.now()) < 120_000));
  const logged = whole
    .logged()
    .split('\n')
    .filter((line) => line.includes('"audit":true'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    logged.map(({ by, message, key_id }) => `${by} ${message} ${key_id === made.id}`),
    ['ann key created true', 'bob key changed true', 'bob key rotated true', 'ann key revoked true'],
  );
  const listed = await cli('audit', made.id);
  assert.match(listed, /bob +127\.0\.0\.1 +rotated/);
  for (const secret of [
    made.key,
    rotated.key,
    hashKey(made.key),
    hashKey(rotated.key),
    ...Object.values(TOKENS),
  ])
    for (const text of [JSON.stringify(body), whole.logged(), listed]) assert.ok(!text.includes(secret));
  const limited = await admin(whole, 'GET', '/admin/audit?limit=2');
  assert.equal((limited.body.data as unknown[]).length, 2);
});

test('who may only look changes nothing; no token, no answer, and the log tells the attempt', async () => {
  const whole = await start();
  const { body: made } = await admin(whole, 'POST', '/admin/keys', {});
  for (const [method, path] of [
    ['POST', '/admin/keys'],
    ['PATCH', `/admin/keys/${made.id}`],
    ['DELETE', `/admin/keys/${made.id}`],
    ['POST', `/admin/keys/${made.id}/rotate`],
  ] as const)
    assert.equal((await admin(whole, method, path, {}, TOKENS.eye)).status, 403, `${method} ${path}`);
  assert.equal((await admin(whole, 'GET', '/admin/keys', undefined, TOKENS.eye)).status, 200);
  assert.equal(
    (await admin(whole, 'GET', '/admin/audit', undefined, 'a-token-of-nobody-0123456789')).status,
    401,
  );
  assert.match(whole.logged(), /"message":"admin token refused".*"path":"\/admin\/audit"/);
});

test('fields that are not known or not right are refused, each with what would be', async () => {
  const whole = await start();
  const { body: made } = await admin(whole, 'POST', '/admin/keys', {});
  const path = `/admin/keys/${made.id}`;
  const soon = new Date(Date.now() + 60_000).toISOString();
  for (const [method, where, body, message] of [
    ['POST', '/admin/keys', { tennant: 'x' }, /tennant.*Did you mean 'tenant'/],
    ['POST', '/admin/keys', { id: 'mine' }, /id: unknown key/],
    ['POST', '/admin/keys', { policies: ['on'] }, /policies named 'on'.*Did you mean 'one'/],
    ['POST', '/admin/keys', { expires: '2020-01-01T00:00:00Z' }, /in the past.*disable/],
    ['POST', '/admin/keys', [], /body/],
    ['POST', `${path}/rotate`, { grace_period: '1h' }, /grace_period.*grace_seconds/],
    ['POST', `${path}/rotate`, { grace_seconds: -1 }, /grace_seconds/],
    ['POST', `${path}/rotate`, { grace_seconds: 99_999_999 }, /grace_seconds/],
    ['POST', `${path}/rotate`, { until: '2020-01-01T00:00:00Z' }, /in the future/],
    ['POST', `${path}/rotate`, { until: soon, grace_seconds: 5 }, /give one of/],
    ['POST', `${path}/disable`, { reason: 'x' }, /reason: unknown key/],
    ['POST', `${path}/end-overlap`, { now: true }, /now: unknown key/],
    ['DELETE', path, { force: true }, /force: unknown key/],
    ['PATCH', path, {}, /changes nothing.*limits/],
    ['PATCH', path, { hash: 'x' }, /hash: unknown key/],
    ['PATCH', path, { limits: { rpm: 5 } }, /limits\.rpm: unknown key/],
    ['PATCH', path, { limits: {} }, /limits nothing/],
    ['PATCH', path, { tenant: null }, /tenant/],
    ['PATCH', path, { budget: { period: 'day', usd: 1, tokens: 1 } }, /give one of: usd, tokens/],
    ['GET', '/admin/keys?limit=5', undefined, /No such parameter: 'limit'/],
    ['GET', '/admin/audit?limit=0', undefined, /limit must be/],
    ['GET', '/admin/audit?keyid=x', undefined, /Did you mean 'key_id'/],
  ] as const) {
    const { status, body: answer } = await admin(whole, method, where, body);
    assert.equal(status, 400, `${method} ${where} ${JSON.stringify(body)}`);
    assert.match(answer.error.message, message);
  }
  for (const [method, where] of [
    ['PATCH', '/admin/keys/key_000000000000'],
    ['POST', '/admin/keys/key_000000000000/rotate'],
    ['PUT', path],
  ] as const)
    assert.equal(
      (await admin(whole, method, where, method === 'PATCH' ? { name: 'x' } : undefined)).status,
      404,
    );
  // Nothing of all that has changed the key.
  assert.equal((await ask(whole, made.key)).status, 200);
  const { body: noted } = await admin(whole, 'GET', `/admin/audit?key_id=${made.id}`);
  assert.equal((noted.data as unknown[]).length, 1, 'only that it was created');
  // The admin API has a limit of its own, which no setting moves.
  const large = await admin(whole, 'POST', '/admin/keys', { name: 'x'.repeat(70_000) });
  assert.equal(large.status, 413);
  assert.match(large.body.error.message, /larger than 65536 bytes, the most here/);
});

test('the command line does the same: update, overlap, disable, audit', async () => {
  const whole = await start();
  const created = await cli('create', '--tenant', 'acme', '--rpm', '7', '--budget-usd', '3');
  const [key, id] = [keyIn(created), /key_[0-9a-f]{12}/.exec(created)![0]];
  assert.equal((await ask(whole, key)).headers.get('x-ratelimit-limit-requests'), '7');
  await cli(
    'update',
    id,
    '--rpm',
    '90',
    '--tpm',
    '5000',
    '--budget-usd',
    'none',
    '--name',
    'bot',
    '--by',
    'ann',
  );
  const { body: now } = await admin(whole, 'GET', `/admin/keys/${id}`);
  assert.deepEqual(
    [now.limits, now.budget, now.name, now.tenant],
    [
      { requests_per_minute: 90, tokens_per_minute: 5000, on_redis_failure: 'local' },
      undefined,
      'bot',
      'acme',
    ],
  );
  await cli('update', id, '--rpm', 'none');
  assert.deepEqual((await admin(whole, 'GET', `/admin/keys/${id}`)).body.limits, {
    tokens_per_minute: 5000,
    on_redis_failure: 'local',
  });
  const rotated = await cli('rotate', id, '--grace', '1h');
  assert.match(rotated, /old secret is good until 20/);
  assert.equal((await ask(whole, keyIn(rotated))).status, 200);
  assert.equal((await ask(whole, key)).status, 200);
  assert.match(await cli('list'), new RegExp(`${id} .*old secret good until`));
  await cli('end-overlap', id);
  await comes('the old one ends', whole, key, 401);
  await cli('disable', id);
  assert.match(await cli('list'), new RegExp(`${id} .*disabled`));
  await comes('it is refused', whole, keyIn(rotated), 401);
  assert.match(await cli('audit', id), /cli:ann +changed .*requests_per_minute/);
  for (const [args, message] of [
    [['update', id], /changes nothing/],
    [['update', id, '--grace', '1h'], /knows no --grace/],
    [['rotate', id, '--grace', 'long'], /--grace wants/],
    [['rotate', id, '--grace', '90d'], /at most 30d/],
    [['update', id, '--policies', 'three'], /no policies named 'three'/],
    [['disable', 'key_000000000000'], /no key with the id/],
    [['list', 'everything'], /what is 'everything'/],
  ] as const)
    await assert.rejects(cli(...args), (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 2);
      assert.match(error.stderr, message);
      return true;
    });
});

test('a key of the file is changed in the file: the command line prints what to write, and that is taken', async () => {
  const whole = await start();
  assert.equal((await ask(whole, FILE_KEY)).status, 200);
  const refused = await admin(whole, 'PATCH', '/admin/keys/file_key', { name: 'x' });
  assert.equal(refused.status, 400);
  assert.match(refused.body.error.message, /configuration file.*npm run keys/);
  assert.equal((await admin(whole, 'GET', '/admin/keys/file_key')).body.store, 'file');

  const printed = await cli('rotate', 'file_key', '--grace', '1h');
  const entry = (text: string) => {
    const { auth } = parseYaml(text.slice(text.indexOf('auth:'))) as { auth: { keys: object[] } };
    return JSON.stringify(auth.keys[0]);
  };
  whole.rewrite(config(entry(printed)));
  await comes('the new one is taken', whole, keyIn(printed), 200);
  assert.equal((await ask(whole, FILE_KEY)).status, 200);

  writeFileSync(join(folder, 'other.yaml'), config(entry(printed)).replaceAll('{LLM}', 'http://127.0.0.1:9'));
  const other = async (...args: string[]) =>
    (await promisify(execFile)(process.execPath, [CLI, ...args, '--config', join(folder, 'other.yaml')]))
      .stdout;
  whole.rewrite(config(entry(await other('end-overlap', 'file_key'))));
  await comes('the old one ends', whole, FILE_KEY, 401);
  assert.equal((await ask(whole, keyIn(printed))).status, 200);
  const updated = entry(await other('update', 'file_key', '--rpm', '5'));
  assert.match(updated, /"requests_per_minute":5/);
  whole.rewrite(config(entry(await other('disable', 'file_key'))));
  await comes('it is refused', whole, keyIn(printed), 401);
  assert.ok(
    readFileSync(join(folder, 'other.yaml'), 'utf8').includes('previous'),
    'the file itself is left alone',
  );
});

test('no two keys have one id or one secret, in whatever store', async () => {
  const hash = (name: string) => hashKey(name);
  const until = '2100-01-01T00:00:00Z';
  const problems = (keys: object[]) =>
    configSchema
      .safeParse({ policies: [], auth: { keys } })
      .error!.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
      .join('\n');
  const one = { id: 'one', hash: hash('1') };
  assert.match(problems([one, { ...one, hash: hash('2') }]), /auth\.keys\.1\.id: 'one' is the id of/);
  assert.match(problems([one, { ...one, id: 'two' }]), /auth\.keys\.1\.hash: the same key as/);
  assert.match(
    problems([one, { id: 'two', hash: hash('2'), previous: [{ hash: hash('1'), until }] }]),
    /auth\.keys\.1\.previous\.0\.hash: the same key as auth\.keys\[0\]/,
  );
  assert.match(problems([{ ...one, previous: [{ hash: hash('1'), until }] }]), /the same secret twice/);

  // A key that somebody put into Redis under an id of the file is refused, and the list says why.
  const shared = createRedis(
    redisSchema.parse({ url: redis.url, call_timeout_ms: 60_000 }),
    createMetrics(),
    createLog({ level: 'error' }),
  )!;
  const whole = await start();
  try {
    assert.ok(await shared.ready(5_000));
    const stored = { id: 'file_key', hash: hash('intruder'), tenant: 'default' };
    await shared.background('put', (client) =>
      client
        .multi()
        .hset('{llm-router}:keys', stored.hash, JSON.stringify(stored))
        .hset('{llm-router}:key-ids', stored.id, stored.hash)
        .exec(),
    );
    assert.equal((await ask(whole, 'intruder')).status, 401);
    const { body } = await admin(whole, 'GET', '/admin/keys');
    const told = (body.data as Record<string, unknown>[]).filter(({ id }) => id === 'file_key');
    assert.deepEqual(
      told.map(({ store, refused }) => `${store} ${refused !== undefined}`),
      ['file false', 'redis true'],
    );
    // Making one anew passes over an id that is taken.
    let asked = 0;
    const { stored: made } = await new RedisKeys(shared).create(
      { tenant: 'x' },
      { by: 'test' },
      () => asked++ === 0,
    );
    assert.equal(asked, 2);
    assert.notEqual(made.id, 'file_key');
  } finally {
    await shared.background('put', (client) =>
      client
        .multi()
        .hdel('{llm-router}:keys', hash('intruder'))
        .hdel('{llm-router}:key-ids', 'file_key')
        .exec(),
    );
    await shared.close();
  }
});

test('changes of one key at the same time are all made, one after the other', async () => {
  const whole = await start();
  const { body: made } = await admin(whole, 'POST', '/admin/keys', {});
  const path = `/admin/keys/${made.id}`;
  const answers = await Promise.all([
    admin(whole, 'PATCH', path, { name: 'bot' }),
    admin(whole, 'PATCH', path, { policies: ['one'] }, TOKENS.bob),
    admin(whole, 'PATCH', path, { limits: { concurrent: 3 } }),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  );
  const { body: now } = await admin(whole, 'GET', path);
  assert.deepEqual(
    [now.name, now.policies, now.limits],
    ['bot', ['one'], { concurrent: 3, on_redis_failure: 'local' }],
  );
});

test('admin tokens have one holder each, and a file without any is refused', () => {
  const problems = (admin: object) =>
    configSchema
      .safeParse({ policies: [], admin })
      .error!.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
      .join('\n');
  const { ann, bob } = TOKENS;
  assert.match(problems({}), /admin\.token: give token, or tokens/);
  assert.match(
    problems({
      tokens: [
        { name: 'a', token: ann },
        { name: 'a', token: bob },
      ],
    }),
    /tokens\.0\.name/,
  );
  assert.match(problems({ token: ann, tokens: [{ name: 'a', token: ann }] }), /somebody else has the same/);
  assert.match(
    problems({ token: ann, tokens: [{ name: 'admin', token: bob }] }),
    /'admin' has another token/,
  );
});
