/** `server.workers`: several processes on one port are one controller to everybody outside. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { RouterServer } from '@llm-router/router-server';
import { type StandIns, startStandInLlms } from '@llm-router/stand-in-llms';
import { type RunningRedis, startRedis } from '../../../scripts/parts/start-redis.ts';
import { hashKey } from '../src/authenticate/index.ts';
import { ConfigError, parseConfig } from '../src/config/index.ts';
import { chat, startClassifier, user } from './harness.ts';
import { sampleOf, soon, startWorkers, type WorkerSet } from './worker-set.ts';

const KEY = 'llmr_a-key-for-the-workers-test';
const PER_MINUTE = 12;
const PASSWORD = 'redis-of-the-workers-test';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-workers-'));
const file = join(folder, 'router.yaml');
let classifier: RouterServer;
let llms: StandIns;
let redis: RunningRedis;
let workers: WorkerSet;

const yaml = (model: string) => `
server: { port: 0, workers: 3, shutdown_grace_ms: 5000 }
redis: { url: '${redis.url}', password: '${PASSWORD}', call_timeout_ms: 60000 }
auth: { keys: [{ id: limited, hash: '${hashKey(KEY)}', tenant: few }, { id: free, hash: '${hashKey(`${KEY}-2`)}', tenant: many }] }
limits: [{ name: few, match: limited, requests_per_minute: ${PER_MINUTE} }]
policies:
  - name: complexity_router
    url: grpc://${classifier.grpc}/complexity_router_ensemble
    fallback: Any
    llms: [{ name: Any, api_base: '${llms.url}', api_key: k, model: ${model} }]
default_policy: complexity_router
`;

function write(model: string): void {
  writeFileSync(`${file}.new`, yaml(model));
  renameSync(`${file}.new`, file);
}

/** Each on a connection of its own, so that all workers get some. */
const ask = (key: string, text = 'hello') =>
  chat(
    workers.url,
    { model: 'auto', messages: user(text) },
    { headers: { authorization: `Bearer ${key}`, connection: 'close' } },
  );

const counted = async () => sampleOf(await workers.page(), 'num_requests');

before(async () => {
  redis = await startRedis({ folder, password: PASSWORD });
  classifier = await startClassifier();
  llms = await startStandInLlms({
    fault: ({ body }) =>
      JSON.stringify(body.messages).includes('SLOW') ? { kind: 'slow-drip', ms: 30 } : null,
  });
  write('first-model');
  workers = await startWorkers(file);
});

after(async () => {
  workers.child.kill('SIGKILL');
  await Promise.all([classifier.close(), llms.close(), redis.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

test('without Redis they are refused: each would count for itself', () => {
  const alone = yaml('m').replace(/^redis:.*$/m, '');
  assert.throws(
    () => parseConfig(alone, 'router.yaml'),
    (error) =>
      error instanceof ConfigError && /server\.workers: .*needs a `redis` section/.test(error.message),
  );
  assert.ok(parseConfig(alone.replace('workers: 3', 'workers: 1'), 'router.yaml'));
});

test('all serve, and the page of metrics is one', async () => {
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask(`${KEY}-2`)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  await Promise.all(answers.map((answer) => answer.text()));
  const text = await workers.page();
  assert.equal(sampleOf(text, 'num_requests'), 30);
  assert.equal(sampleOf(text, 'request_latency_seconds_count'), 30);
  assert.equal(sampleOf(text, 'llm_router_workers'), 3);
  assert.equal(sampleOf(text, 'llm_router_worker_ends_total'), 0);
  assert.equal(sampleOf(text, 'llm_router_limiter_backend_up'), 1);
  await soon('all is logged', () => assert.equal(workers.served().length, 30));
  assert.deepEqual([...new Set(workers.served())].sort(), [1, 2, 3]);
});

test('a limit is one limit', async () => {
  const began = performance.now();
  const answers = await Promise.all(Array.from({ length: 4 * PER_MINUTE }, () => ask(KEY)));
  const granted = answers.filter(({ status }) => status === 200).length;
  assert.ok(answers.every(({ status }) => status === 200 || status === 429));
  const refilled = Math.ceil(((performance.now() - began) * PER_MINUTE) / 60_000);
  assert.ok(granted >= PER_MINUTE && granted <= PER_MINUTE + refilled, `${granted} of ${PER_MINUTE}`);
});

test('one that is killed is replaced, and what it had counted stays in the sum', async () => {
  const before = await counted();
  process.kill(workers.pids()[0]!, 'SIGKILL');
  await soon('a worker takes its place', async () => {
    const text = await workers.page();
    assert.equal(sampleOf(text, 'llm_router_worker_ends_total'), 1);
    assert.equal(sampleOf(text, 'llm_router_workers'), 3);
    assert.equal(sampleOf(text, 'num_requests'), before);
  });
  assert.equal(workers.pids().length, 3);
  assert.match(workers.log(), /a worker ended; another takes its place/);
  assert.equal((await ask(`${KEY}-2`)).status, 200);
});

test('all take a changed configuration into force', async () => {
  write('second-model');
  workers.child.kill('SIGHUP');
  await soon('all tell the new model', async () => {
    const answers = await Promise.all(Array.from({ length: 9 }, () => ask(`${KEY}-2`)));
    for (const answer of answers) assert.equal(answer.headers.get('x-llm-router-model'), 'second-model');
  });
});

test('SIGTERM lets what is under way end, and then all of them', async () => {
  const agent = new Agent({ maxSockets: 10 });
  const streams = Array.from({ length: 6 }, async () => {
    const body = JSON.stringify({ model: 'auto', stream: true, messages: user('SLOW') });
    const request = httpRequest(`${workers.url}/v1/chat/completions`, {
      agent,
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}-2` },
    });
    request.end(body);
    const [response] = await once(request, 'response');
    started++;
    let text = '';
    for await (const piece of response) text += piece;
    return text;
  });
  let started = 0;
  await soon('all streams have begun', () => assert.equal(started, 6));
  const pids = workers.pids();
  const exited = once(workers.child, 'exit');
  workers.child.kill('SIGTERM');
  for (const text of await Promise.all(streams)) assert.match(text, /data: \[DONE\]\s*$/);
  assert.deepEqual(await exited, [0, null]);
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/);
});
