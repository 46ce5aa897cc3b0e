/** No tenant's requests change another tenant's route; what no request can cause changes it for all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseConfig } from '../../config/index.ts';
import { rootCause, verdictOf } from '../attempts/outcome.ts';
import type { CallObserver } from '../observer.ts';
import type { BreakerState, Verdict } from './breaker.ts';
import { FailureRun } from './failure-run.ts';
import { Health } from './health.ts';
import { TargetHealth, type Who } from './target-health.ts';

const nothing = () => {};
const observer = new Proxy({}, { get: () => nothing }) as CallObserver;
const HOSTILE = { tenant: 'hostile', client: 'hostile' };
const OTHER = { tenant: 'other', client: 'other' };
const SETTINGS = { failures: 5, openMs: 60_000, openMaxMs: 60_000 };

function start() {
  const { table } = parseConfig(
    'policies: [{ name: p, url: "grpc://h:1/m", llms: [{ name: a, api_base: "http://h", model: m }] }]',
    't.yaml',
  );
  const target = table.targets.get('m')!;
  const health = new Health(SETTINGS, observer);
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  /** `tenant/key`, or a tenant with one key. */
  const whoOf = (name: string): Who => {
    const [tenant = '', client = tenant] = name.split('/');
    return { tenant, client };
  };
  /** One request, its attempts one after the other. @returns false when it was refused */
  const request = async (name: string | null, ...verdicts: Verdict[]) => {
    const who = name === null ? null : whoOf(name);
    let failures = 0;
    const firstFailure = () => ++failures === 1;
    for (const verdict of verdicts) {
      const pass = health.pass(target, who, firstFailure);
      if (!pass) return false;
      pass.end(verdict);
      await settled();
    }
    return true;
  };
  return { health, target, request };
}

test('whatever answers one tenant’s requests have, another’s goes where it went', async () => {
  const verdict = fc.constantFrom<Verdict>('healthy', 'unhealthy', 'unknown');
  const events = fc.array(
    fc.oneof(
      fc.record({ attempts: fc.array(verdict, { minLength: 1, maxLength: 4 }) }),
      fc.record({ what: fc.string() }),
    ),
    { minLength: 1, maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(events, async (given) => {
      const { health, target, request } = start();
      for (const event of given) {
        if ('attempts' in event) await request('hostile', ...event.attempts);
        else assert.equal(health.agrees(target, 403, event.what, HOSTILE), false);
      }
      assert.equal(health.refuses(target, OTHER), false);
      assert.equal(await request('other', 'healthy'), true);
      assert.equal(health.rests(target), false);
    }),
    { numRuns: 60 },
  );
});

test('a tenant whose requests always fail rests the target for itself alone', async () => {
  const { request } = start();
  for (let i = 0; i < 5; i++) assert.equal(await request('hostile', 'unhealthy'), true);
  assert.equal(await request('hostile', 'healthy'), false);
  assert.equal(await request('other', 'healthy'), true);
});

test('a key whose requests always fail rests the target for itself alone, also within its tenant', async () => {
  const { request } = start();
  for (let i = 0; i < 20; i++) await request('one/bad', 'unhealthy');
  assert.equal(await request('one/bad', 'healthy'), false);
  assert.equal(await request('one/good', 'healthy'), true);
  for (const who of ['one/a', 'one/b', 'one/a', 'one/b', 'one/c']) await request(who, 'unhealthy');
  assert.equal(await request('one/good', 'healthy'), false, 'several keys of it agree');
  assert.equal(await request('other', 'healthy'), true);
});

test('a request counts once, however often it is tried', async () => {
  const { request } = start();
  for (let i = 0; i < 4; i++) assert.equal(await request(null, ...Array(4).fill('unhealthy')), true);
  assert.equal(await request(null, 'healthy'), true);
});

test('several tenants in a row are an outage; one success between is none', async () => {
  const { request } = start();
  for (const who of ['a', 'a', 'a', 'a', 'b']) await request(who, 'unhealthy');
  assert.equal(await request('c', 'healthy'), true, 'three of one tenant count, and one of another');
  for (const who of ['d', 'b', 'd', 'b', 'c']) await request(who, 'unhealthy');
  assert.equal(await request('e', 'healthy'), false);
});

test('what no request can cause closes it for all, whoever met it', async () => {
  const { request } = start();
  for (let i = 0; i < 5; i++) await request('a', 'unreachable');
  assert.equal(await request('b', 'healthy'), false);
  const refused = Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
  const closed = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
  assert.equal(rootCause(refused).code, 'ECONNREFUSED');
  assert.equal(verdictOf('connect_error', refused), 'unreachable');
  assert.equal(verdictOf('connect_error', closed), 'unhealthy', 'a prompt may have ended the server');
  assert.equal(verdictOf('tls_error', null), 'unreachable');
  assert.equal(verdictOf('status_5xx', null), 'unhealthy');
  assert.equal(verdictOf('status_4xx', null), null);
});

test('a run counts no tenant for more than half', () => {
  const run = new FailureRun(4);
  for (let i = 0; i < 100; i++) assert.equal(run.failed('a'), false);
  assert.equal(run.failed('b'), false);
  assert.equal(run.failed('b'), true);
});

test('one tenant’s failing probes do not keep the target from the others', async (t) => {
  let now = Date.now();
  t.mock.method(Date, 'now', () => now);
  const { request } = start();
  for (const who of ['a', 'b', 'a', 'b', 'c']) await request(who, 'unhealthy');
  now += 60_000;
  assert.equal(await request('a', 'unhealthy'), true, 'a probes, and fails');
  assert.equal(await request('b', 'healthy'), false, 'b is refused meanwhile');
  now += 60_000;
  assert.equal(await request('a', 'unhealthy'), false, 'the next probe is not a’s');
  assert.equal(await request('b', 'healthy'), true);
  assert.equal(await request('c', 'healthy'), true, 'it is free again');
});

test('what is known of a target is told: of a lone client, a lone tenant, or of all', async () => {
  for (const [clients, told] of [
    [['a'], true],
    [['one/a', 'one/b', 'one/c'], true],
    [['a', 'b', 'c'], true],
    [['a', 'a', 'a', 'a', 'a', 'b'], false],
  ] as const) {
    const states: BreakerState[] = [];
    const health = new TargetHealth(SETTINGS, (state) => states.push(state));
    for (const name of [...clients].reverse())
      for (let i = 0; i < (clients.length > 1 && new Set(clients).size === 2 ? 1 : 6); i++) {
        const [tenant = '', client = tenant] = name.split('/');
        health.pass({ tenant, client }, () => true)?.end('unhealthy');
        await new Promise((resolve) => setImmediate(resolve));
      }
    assert.equal(states.includes('open'), told, clients.join(' '));
  }
});
