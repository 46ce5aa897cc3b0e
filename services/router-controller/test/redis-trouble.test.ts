/** States that a PING does not show: a demoted primary, a half-open connection, a full Redis, a user without rights, old credentials. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { redisSchema } from '../src/config/schema-redis.ts';
import { PROBE } from '../src/redis/probe.ts';
import { chat, eventually, favour, ROOT, sample, scriptedClassifier, startWhole, user } from './harness.ts';
import { admission } from './redis-admission.ts';
import { startRelay } from './relay.ts';

const LABELS = ['A', 'B'];
const ADMIN_TOKEN = 'admin-token-of-this-test-0123456789';

const plainTo = (server: RedisServer) => new Redis({ host: '127.0.0.1', port: server.port });

test('a failover behind one address: limits are shared again when the address has moved, late as it may', async () => {
  const old = await startRedis(['--repl-diskless-sync-delay', '0']);
  const next = await startRedis(['--replicaof', '127.0.0.1', String(old.port)]);
  const [toOld, toNext] = [plainTo(old), plainTo(next)];
  const service = await startRelay(old.port);
  const subject = admission({ url: `redis://127.0.0.1:${service.port}`, call_timeout_ms: 1_000 });
  try {
    await eventually('it is reached', () => subject.redis.up);
    assert.equal(await subject.passing(3), 3);
    await eventually('the replica is in step', async () =>
      /master_link_status:up/.test(await toNext.info('replication')),
    );
    await toNext.replicaof('NO', 'ONE');
    await toOld.replicaof('127.0.0.1', next.port);
    // The address still leads to the demoted one, which answers every PING and takes no write.
    await eventually('it is noticed', async () => {
      await subject.passing(1);
      return !subject.redis.up;
    });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(subject.redis.up, false);
    service.moveTo(next.port);
    await eventually('they are shared again', () => subject.redis.up);
    assert.deepEqual(
      subject
        .told()
        .slice(1)
        .map((line) => line.replace(/:.*READONLY.*/, ': READONLY')),
      ['error Redis is away; limits go on without it: READONLY', 'info Redis is back'],
    );
    // What was taken before is known there.
    assert.ok((await subject.passing(10)) < 10);
  } finally {
    await subject.close();
    for (const plain of [toOld, toNext]) plain.disconnect();
    await service.close();
    await Promise.all([old.close(), next.close()]);
  }
});

test('an idle router notices by itself that its Redis has become a replica', async () => {
  const server = await startRedis();
  const plain = plainTo(server);
  const subject = admission({ url: server.url, probe_ms: 100 });
  try {
    await eventually('it is reached', () => subject.redis.up);
    await plain.replicaof('127.0.0.1', 9);
    await eventually('it is noticed', () => !subject.redis.up);
    await plain.replicaof('NO', 'ONE');
    await eventually('it is back', () => subject.redis.up);
  } finally {
    plain.disconnect();
    await subject.close();
    await server.close();
  }
});

test('a half-open connection is dropped for a new one', async () => {
  const server = await startRedis();
  const wire = await startRelay(server.port);
  const subject = admission({ url: `redis://127.0.0.1:${wire.port}`, call_timeout_ms: 200, probe_ms: 200 });
  try {
    await eventually('it is reached', () => subject.redis.up);
    const before = wire.firstBytes().length;
    wire.freeze();
    // How long it counts as away is of no matter; that it was noticed and mended is told.
    await eventually('it is noticed, and another connection is used', () => subject.told().length === 3);
    assert.match(subject.told()[1]!, /^error Redis is away.*no answer/);
    assert.equal(subject.redis.up, true);
    assert.ok(wire.firstBytes().length > before);
  } finally {
    await subject.close();
    await wire.close();
    await server.close();
  }
});

test('a full Redis is told once and stays told; keys can be read from it; with room again all is well', async () => {
  const server = await startRedis(['--maxmemory-policy', 'noeviction']);
  const plain = plainTo(server);
  const subject = admission(
    { url: server.url, call_timeout_ms: 60_000, probe_ms: 100 },
    { requests_per_minute: 1_000 },
  );
  const gauge = async () => (await subject.metrics.limiterUp.get()).values[0]!.value;
  try {
    await eventually('it is reached', () => subject.redis.up);
    await plain.hset('h', 'field', 'value');
    await plain.config('SET', 'maxmemory', '1');
    await subject.passing(1);
    await eventually('it is noticed', () => !subject.redis.up);
    // Traffic goes on meanwhile, and the gauge does not flicker.
    for (let i = 0; i < 20; i++) {
      assert.equal(await subject.passing(1), 1);
      assert.equal(await gauge(), 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(await subject.redis.run('key', (redis) => redis.hget('h', 'field')), 'value');
    await assert.rejects(
      subject.redis.run('set', (redis) => redis.set('a', 'b')),
      /takes no writes/,
    );
    await plain.config('SET', 'maxmemory', '0');
    await eventually('it is back', () => subject.redis.up);
    assert.equal(await gauge(), 1);
    const told = subject.told().slice(1);
    assert.match(told[0]!, /^error Redis takes no writes; limits go on without it: .*OOM.*full/);
    assert.deepEqual(told.slice(1), ['info Redis is back']);
  } finally {
    plain.disconnect();
    await subject.close();
    await server.close();
  }
});

test('a Redis on the brink does not flicker: who relapses has to be well for a while', async () => {
  const server = await startRedis();
  const plain = plainTo(server);
  const subject = admission({ url: server.url, call_timeout_ms: 60_000, probe_ms: 100 });
  try {
    await eventually('it is reached', () => subject.redis.up);
    await plain.config('SET', 'maxmemory', '1');
    await eventually('it is noticed', () => !subject.redis.up);
    await plain.config('SET', 'maxmemory', '0');
    await eventually('it is back', () => subject.redis.up);
    await plain.config('SET', 'maxmemory', '1');
    await eventually('it is noticed again', () => !subject.redis.up);
    const since = Date.now();
    await plain.config('SET', 'maxmemory', '0');
    await eventually('it is back', () => subject.redis.up);
    assert.ok(Date.now() - since >= 900, 'it came back at once');
  } finally {
    plain.disconnect();
    await subject.close();
    await server.close();
  }
});

/** The rules as the page tells them, wrapped or not; what follows the password. */
function rulesOfThePage(): string[] {
  const page = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');
  const blocks = page.matchAll(/^ {4}ACL SETUSER llm-router on >PASSWORD ((?:.+\n)(?: {4}.+\n)*)/gm);
  return [...blocks].map(([, rule]) => rule!.trim().split(/\s+/).join(' '));
}

/** A router whose every use of Redis is made once, as this ACL user. */
async function useAll(server: RedisServer, password: string) {
  const whole = await startWhole({
    config: `
targets: [{ name: llm, api_base: "{LLM}", model: m, price: { input: 1, output: 1 } }]
policies: [{ name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }]
limits: [{ name: all, requests_per_minute: 1000, tokens_per_minute: 1000000, concurrent: 10 }]
budgets: [{ name: day, scope: key, period: day, usd: 5 }]
auth: { keys_in_redis: true }
admin: { port: 0, token: ${ADMIN_TOKEN} }
redis: { url: "${server.url}", username: llm-router, password: ${password}, call_timeout_ms: 60000, probe_ms: 100 }`,
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
  const admin = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${whole.router.adminUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as { id: string; key: string } };
  };
  try {
    await eventually(
      'Redis is reached',
      async () => (await sample(whole.metrics, 'llm_router_limiter_backend_up')) === 1,
    );
    const created = await admin('POST', '/admin/keys', { tenant: 'acme' });
    assert.equal(created.status, 201, JSON.stringify(created.body) + whole.logged());
    const { id, key } = created.body;
    for (let i = 0; i < 2; i++) {
      const response = await chat(
        whole.url,
        { model: 'one', messages: user('Hello there'), user: 'ann' },
        { headers: { authorization: `Bearer ${key}` } },
      );
      assert.equal(response.status, 200, await response.text());
    }
    await eventually('usage is counted', async () => {
      const response = await fetch(`${whole.url}/v1/usage`, { headers: { authorization: `Bearer ${key}` } });
      return /"requests":2/.test(await response.text());
    });
    assert.equal((await admin('POST', `/admin/keys/${id}/rotate`)).status, 200);
    assert.equal((await admin('GET', '/admin/keys')).status, 200);
    assert.equal((await admin('DELETE', `/admin/keys/${id}`)).status, 200);
  } finally {
    await whole.stop();
  }
}

test('an ACL user with exactly the rights that the security page lists can do everything', async () => {
  const rules = rulesOfThePage();
  assert.equal(rules.length, 2, 'by command and by category');
  for (const [index, rule] of rules.entries()) {
    const server = await startRedis();
    const plain = plainTo(server);
    try {
      await plain.call('ACL', 'SETUSER', 'llm-router', 'on', '>right', ...rule.split(' '));
      await useAll(server, 'right');
      const denied = (await plain.call('ACL', 'LOG')) as unknown[];
      assert.deepEqual(denied, [], `rule ${index}: ${JSON.stringify(denied)}`);
    } finally {
      plain.disconnect();
      await server.close();
    }
  }
});

test('the probe uses every command that a script of the router uses', () => {
  const used = (text: string) =>
    new Set([...text.matchAll(/redis\.call\('([A-Z]+)'/g)].map(([, name]) => name!));
  const source = join(import.meta.dirname, '../src');
  const scripts = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('probe.ts'))
    .map((name) => readFileSync(join(source, name), 'utf8'));
  const all = used(scripts.join('\n'));
  assert.ok(all.size > 10);
  assert.deepEqual(
    [...all].filter((name) => !used(PROBE).has(name)),
    [],
  );
});

test('a user without a right is told once, with where the rights are listed, and taken when it has got them', async () => {
  const server = await startRedis(['--user', ...'llm-router on >right ~elsewhere* +@all'.split(' ')]);
  const plain = plainTo(server);
  const subject = admission({ url: server.url, username: 'llm-router', password: 'right' });
  try {
    await eventually('it is told', () => subject.told().length > 0);
    await new Promise((resolve) => setTimeout(resolve, 800));
    assert.equal(subject.told().length, 1);
    assert.match(subject.told()[0]!, /NOPERM.*docs\/security\.md/);
    await plain.call('ACL', 'SETUSER', 'llm-router', '~{llm-router}:*');
    await eventually('it is taken', () => subject.redis.up);
  } finally {
    plain.disconnect();
    await subject.close();
    await server.close();
  }
});

test('a password in a file is read again when it changes, and the router never was away', async () => {
  const server = await startRedis(['--user', ...'rot on >one ~* +@all'.split(' ')]);
  const plain = plainTo(server);
  const file = join(import.meta.dirname, `../../../.cache/redis-password-${process.pid}`);
  writeFileSync(file, 'one\n');
  const whole = await startWhole({
    config: `
targets: [{ name: llm, api_base: "{LLM}", model: m }]
policies: [{ name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }]
redis: { url: "${server.url}", username: rot, password: "file:${file}", call_timeout_ms: 60000, probe_ms: 100 }`,
    standIns: false,
    watch: true,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
  const gauge = async () => (await whole.metrics.limiterUp.get()).values[0]!.value;
  try {
    await eventually('it is reached', async () => (await gauge()) === 1);
    await plain.call('ACL', 'SETUSER', 'rot', '>two');
    writeFileSync(file, 'two\n');
    await eventually('the new one is taken', () => /takes the new credentials/.test(whole.logged()));
    await plain.call('ACL', 'SETUSER', 'rot', '<one');
    await plain.call('CLIENT', 'KILL', 'USER', 'rot');
    await eventually('it is connected again', async () =>
      /user=rot/.test(String(await plain.call('CLIENT', 'LIST'))),
    );
    await eventually('it is up', async () => (await gauge()) === 1);
    assert.doesNotMatch(whole.logged(), /take effect when the process starts again/);
  } finally {
    await whole.stop();
    plain.disconnect();
    await server.close();
  }
});

test('credentials that Redis does not take do not cost the connection that there is', async () => {
  const server = await startRedis(['--requirepass', 'right']);
  const subject = admission({ url: server.url, password: 'right', probe_ms: 100, call_timeout_ms: 60_000 });
  const config = (password: string) =>
    redisSchema.parse({ url: server.url, password, call_timeout_ms: 60_000, probe_ms: 100 });
  const plain = new Redis({ host: '127.0.0.1', port: server.port, password: 'right' });
  try {
    await eventually('it is reached', () => subject.redis.up);
    subject.redis.useCredentials(config('not-yet'));
    await eventually('it is told', () => subject.told().length === 2);
    assert.match(subject.told()[1]!, /does not take the new credentials.*WRONGPASS/);
    assert.equal(await subject.passing(8), 5, 'limits are still shared');
    await plain.config('SET', 'requirepass', 'not-yet');
    await eventually('they are taken', () => subject.told().length === 3);
    assert.match(subject.told()[2]!, /takes the new credentials/);
    assert.ok(!subject.lines.join('').includes('not-yet'));
  } finally {
    plain.disconnect();
    await subject.close();
    await server.close();
  }
});

test('a router that is shut out reads its password anew, whatever has not been reloaded', async () => {
  const server = await startRedis(['--requirepass', 'new']);
  const subject = admission({ url: server.url, password: 'old' });
  subject.redis.rereadBy(async () => redisSchema.parse({ url: server.url, password: 'new' }));
  try {
    await eventually('it is let in', () => subject.redis.up);
  } finally {
    await subject.close();
    await server.close();
  }
});
