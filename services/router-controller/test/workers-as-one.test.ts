/** What one worker learns or is told, all of them know or tell: keys by the admin API, breakers on the page, readiness. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { RouterServer } from '@llm-router/router-server';
import { type StandIns, startStandInLlms } from '@llm-router/stand-in-llms';
import { freePort } from '../../../scripts/parts/process.ts';
import { type RunningRedis, startRedis } from '../../../scripts/parts/start-redis.ts';
import { hashKey } from '../src/authenticate/index.ts';
import { chat, startClassifier, user } from './harness.ts';
import { sampleOf, soon, startWorkers, type WorkerSet } from './worker-set.ts';

const KEY = 'llmr_a-key-for-the-test-of-workers-as-one';
const TOKEN = 'token-of-who-administers-0123456789abcdef';
const PASSWORD = 'redis-of-the-workers-as-one';
/** Long enough that a worker which was not told would still go by what it knew. */
const KEYS_FRESH_MS = 1_000;
const WORKERS = 3;

const folder = mkdtempSync(join(tmpdir(), 'llm-router-workers-as-one-'));
let classifier: RouterServer;
let llms: StandIns;
let redis: RunningRedis;
let workers: WorkerSet;
let adminUrl = '';

before(async () => {
  redis = await startRedis({ folder, password: PASSWORD });
  classifier = await startClassifier();
  llms = await startStandInLlms();
  const adminPort = await freePort();
  adminUrl = `http://127.0.0.1:${adminPort}`;
  const file = join(folder, 'router.yaml');
  writeFileSync(
    file,
    `
server: { port: 0, workers: ${WORKERS}, shutdown_grace_ms: 5000 }
redis: { url: '${redis.url}', password: '${PASSWORD}', call_timeout_ms: 2000 }
auth: { keys_in_redis: true, keys_fresh_ms: ${KEYS_FRESH_MS}, failures_per_minute: 100000, keys: [{ id: own, hash: '${hashKey(KEY)}', tenant: own }] }
admin: { port: ${adminPort}, token: ${TOKEN} }
targets:
  - { name: sick, api_base: 'http://127.0.0.1:${await freePort()}/v1', model: none, api_key: k }
  - { name: well, api_base: '${llms.url}', model: m, api_key: k }
policies:
  - name: complexity_router
    url: grpc://${classifier.grpc}/complexity_router_ensemble
    fallback: Any
    llms: [{ name: Any, target: sick, fallbacks: [well] }]
default_policy: complexity_router
`,
  );
  workers = await startWorkers(file);
});

after(async () => {
  workers?.child.kill('SIGKILL');
  await Promise.all([classifier?.close(), llms?.close(), redis?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** On a connection of its own: connections are handed out in turn. */
const ask = async (key: string): Promise<number> => {
  const response = await chat(
    workers.url,
    { model: 'auto', messages: user('hello') },
    { headers: { authorization: `Bearer ${key}`, connection: 'close' } },
  );
  await response.text();
  return response.status;
};
/** More connections than workers, so that each gets one. */
const askAll = (key: string) => Promise.all(Array.from({ length: 3 * WORKERS }, () => ask(key)));

async function admin<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${adminUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', connection: 'close' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return (await response.json()) as Answer;
}

test('a key that one worker makes is good at all, and so is its end', async () => {
  const { id, key } = await admin<{ id: string; key: string }>('POST', '/admin/keys', { tenant: 'made' });
  const before = workers.served().length;
  const at = async () => {
    await soon('all is logged', () => assert.ok(workers.served().length >= before + 3 * WORKERS));
    return [...new Set(workers.served().slice(before))].sort();
  };
  assert.deepEqual(new Set(await askAll(key)), new Set([200]));
  assert.deepEqual(await at(), [1, 2, 3]);
  await admin('POST', `/admin/keys/${id}/disable`);
  await soon('all refuse it', async () => assert.deepEqual(new Set(await askAll(key)), new Set([401])));
  await admin('POST', `/admin/keys/${id}/enable`);
  await soon('all take it', async () => assert.deepEqual(new Set(await askAll(key)), new Set([200])));
});

test('whichever worker the admin API is asked at, it tells the same', async () => {
  for (const path of ['/admin/keys', '/admin/tenants', '/admin/audit']) {
    // What a worker has just counted comes into Redis a moment later.
    await soon(path, async () => {
      const asked = Array.from({ length: 2 * WORKERS }, () => admin<unknown>('GET', path));
      const [first, ...others] = await Promise.all(asked);
      for (const other of others) assert.deepEqual(other, first);
    });
  }
});

test('a breaker that is open at one worker stands once, and open, on the page of all', async () => {
  const state = 'llm_router_breaker_state{target="sick"}';
  await soon('it is open', async () => {
    assert.deepEqual(new Set(await askAll(KEY)), new Set([200]));
    assert.equal(sampleOf(await workers.page(), state), 2);
  });
  const page = await workers.page();
  assert.equal(page.split('\n').filter((line) => line.startsWith(state)).length, 1);
  assert.equal(sampleOf(page, 'llm_router_breaker_state{target="well"}'), 0);
});

test('while a worker is replaced the others are ready, and nobody is refused', async () => {
  const gone = workers.pids()[0]!;
  const isReady = async () => {
    const response = await fetch(`${workers.url}/readyz`, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(30_000),
    });
    return response.status;
  };
  process.kill(gone, 'SIGKILL');
  await soon('it has gone', () => assert.throws(() => process.kill(gone, 0), /ESRCH/));
  const seen = { ready: new Set<number>(), served: new Set<number>() };
  await soon('another serves in its place', async () => {
    seen.ready.add(await isReady());
    seen.served.add(await ask(KEY));
    const page = await workers.page();
    assert.equal(sampleOf(page, 'llm_router_worker_ends_total'), 1);
    assert.equal(sampleOf(page, 'llm_router_workers'), WORKERS);
  });
  assert.deepEqual(seen.ready, new Set([200]));
  assert.deepEqual(seen.served, new Set([200]));
});
