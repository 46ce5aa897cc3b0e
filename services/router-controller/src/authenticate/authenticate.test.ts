/** Who is let in, where keys are asked for, and how often somebody may guess. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../config/index.ts';
import { isLoopback } from '../config/loopback.ts';
import { RouterError } from '../errors.ts';
import { createMetrics } from '../observe/index.ts';
import { RedisUnavailable, type SharedRedis } from '../redis/index.ts';
import { FailureLimiter } from './failures.ts';
import { Authenticator, hashKey, keysRequired, RedisKeys } from './index.ts';

const POLICIES =
  'policies: [{ name: p, url: "grpc://h:1/m", llms: [{ name: A, api_base: "http://a", model: a }] }]\n';
const file = (more: string) => parseConfig(POLICIES + more, 't.yaml').file;
const KEY = `auth: { failures_per_minute: 3, keys: [{ id: ann, hash: '${hashKey('right')}' }, { id: old, hash: '${hashKey('old')}', expires: '2020-01-01T00:00:00Z' }] }`;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

test('the door is open on loopback only; elsewhere an open door is asked for by name', () => {
  for (const host of ['127.0.0.1', '127.0.1.1', 'localhost', '::1', '::ffff:127.0.0.1'])
    assert.equal(keysRequired(file(`server: { host: '${host}' }`)), false, host);
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'router.example.com', '127.0.0.1.example.com']) {
    assert.equal(isLoopback(host), false, host);
    assert.throws(() => keysRequired(file(`server: { host: '${host}' }`)), /auth\.mode: open/, host);
    assert.equal(keysRequired(file(`server: { host: '${host}' }\nauth: { mode: open }`)), false);
    assert.equal(keysRequired(file(`server: { host: '${host}' }\n${KEY}`)), true);
  }
  assert.equal(keysRequired(file(KEY)), true, 'keys that exist are asked for, also on loopback');
  assert.throws(() => keysRequired(file('auth: { mode: required }')), /auth\.keys is empty/);
});

test('no key, a wrong one and an expired one are 401 of OpenAI’s form', async () => {
  const metrics = createMetrics();
  const subject = new Authenticator(file(KEY), metrics);
  assert.equal((await subject.authenticate(bearer('right'), 'a')).id, 'ann');
  for (const [headers, message] of [
    [{}, /No API key/],
    [bearer('wrong'), /Incorrect API key/],
    [bearer('old'), /\(old\) expired at 2020/],
  ] as const)
    await assert.rejects(subject.authenticate(headers, 'b'), (error) => {
      assert.ok(error instanceof RouterError);
      assert.equal(error.status, 401);
      const { error: body } = error.toBody();
      assert.deepEqual(
        [body.code, body.type, body.param],
        ['invalid_api_key', 'invalid_request_error', null],
      );
      assert.match(body.message, message);
      assert.ok(!body.message.includes('wrong'), 'a key is not repeated');
      return true;
    });
  const counted = (await metrics.authFailures.get()).values.map(({ labels }) => labels.reason);
  assert.deepEqual(counted.sort(), ['expired', 'missing', 'unknown']);
});

test('an address that has failed too often is told to wait; others are not, nor is a right key from there', async () => {
  const subject = new Authenticator(file(KEY), createMetrics());
  for (let n = 0; n < 3; n++)
    await assert.rejects(subject.authenticate(bearer(`guess-${n}`), '192.0.2.1'), { status: 401 });
  await assert.rejects(subject.authenticate(bearer('guess'), '192.0.2.1'), (error) => {
    assert.ok(error instanceof RouterError);
    assert.deepEqual([error.status, error.code], [429, 'rate_limit_exceeded']);
    assert.ok(Number(error.headers['retry-after']) > 0 && Number(error.headers['retry-after-ms']) > 0);
    return true;
  });
  for (const headers of [{}, bearer('old'), bearer('guess')])
    await assert.rejects(subject.authenticate(headers, '192.0.2.1'), { status: 429 });
  assert.equal((await subject.authenticate(bearer('right'), '192.0.2.1')).id, 'ann');
  await assert.rejects(subject.authenticate(bearer('guess'), '192.0.2.2'), { status: 401 });
});

test('how long an address waits hangs on no clock that somebody sets', (t) => {
  const limiter = new FailureLimiter(1);
  limiter.note('a');
  // Back by a day, and forward by one.
  for (const ms of [-86_400_000, 86_400_000]) {
    const real = Date.now();
    const clock = t.mock.method(Date, 'now', () => real + ms);
    const wait = Number(limiter.refusal('a')?.headers['retry-after']);
    clock.mock.restore();
    assert.ok(wait > 0 && wait <= 60, String(wait));
  }
});

test('a key in Redis with the id of one in the file is none: they would share usage and limits', async () => {
  const redis = {
    define: () => {},
    prefix: 'p',
    run: async (_what: string, ask: (client: object) => Promise<string | null>) =>
      ask({
        hget: async (_key: string, hash: string) =>
          JSON.stringify({ id: hash === hashKey('twin') ? 'ann' : 'bob', hash, tenant: 'other' }),
      }),
  } as unknown as SharedRedis;
  const both = file(`redis: { url: 'redis://r:1' }\n${KEY.replace('{ ', '{ keys_in_redis: true, ')}`);
  const subject = new Authenticator(both, createMetrics(), redis);
  assert.equal((await subject.authenticate(bearer('other'), 'a')).id, 'bob');
  assert.equal((await subject.authenticate(bearer('right'), 'a')).tenant, 'default');
  await assert.rejects(subject.authenticate(bearer('twin'), 'a'), { status: 401 });
});

test('a flood of wrong keys displaces no right one: while Redis is away it stays good', async () => {
  const right = { id: 'ann', hash: hashKey('right'), tenant: 'acme' };
  let away = false;
  const redis = {
    define: () => {},
    prefix: 'p',
    run: async (_what: string, ask: (client: object) => Promise<string | null>) => {
      if (away) throw new RedisUnavailable('away');
      return ask({
        hget: async (_key: string, hash: string) => (hash === right.hash ? JSON.stringify(right) : null),
      });
    },
  } as unknown as SharedRedis;
  const keys = new RedisKeys(redis, 5_000);
  assert.equal((await keys.find(right.hash))?.id, 'ann');
  for (let n = 0; n < 60_000; n++) assert.equal(await keys.find(`wrong-${n}`), null);
  away = true;
  assert.equal((await keys.find(right.hash))?.id, 'ann');
  await assert.rejects(keys.find('wrong-1'), RedisUnavailable);
});
