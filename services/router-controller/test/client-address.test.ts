/** Whose address counts behind a proxy: the client's where the proxy is trusted, else the proxy's, whatever is claimed. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { hashKey } from '../src/authenticate/index.ts';
import { chat, eventually, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['A', 'B'];
const TOKEN = 'admin-token-of-this-test-0123456789';
const running: Whole[] = [];
afterEach(() => Promise.allSettled(running.splice(0).map((whole) => whole.stop())).then(() => {}));

const config = (proxies: string) => `
targets: [{ name: llm, api_base: "{LLM}", model: m }]
policies: [{ name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }]
server: { trusted_proxies: [${proxies}] }
admin: { port: 0, token: ${TOKEN} }
auth: { failures_per_minute: 2, keys: [{ id: ann, hash: '${hashKey('right')}' }] }`;

async function start(proxies: string): Promise<Whole> {
  const whole = await startWhole({
    config: config(proxies),
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
  running.push(whole);
  return whole;
}

const ask = async (whole: Whole, key: string, forwarded?: string) => {
  const headers = {
    authorization: `Bearer ${key}`,
    ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }),
  };
  const response = await chat(whole.url, { model: 'one', messages: user('Hello') }, { headers });
  await response.text();
  return response.status;
};
/** Statuses of so many attempts with a wrong key, each from the address that is told for it. */
const attempts = async (whole: Whole, count: number, forwarded: (attempt: number) => string) => {
  const statuses: number[] = [];
  for (let attempt = 0; attempt < count; attempt++)
    statuses.push(await ask(whole, 'wrong', forwarded(attempt)));
  return statuses;
};
/** Address in the log line of the latest refused request. */
const logged = (whole: Whole) => {
  const lines = whole.logged().trim().split('\n');
  return lines.map((line) => JSON.parse(line)).findLast((line) => 'address' in line)?.address;
};

test('through a trusted proxy each client is limited and logged by itself', async () => {
  const whole = await start('loopback');
  assert.deepEqual(await attempts(whole, 3, () => '192.0.2.1'), [401, 401, 429]);
  assert.deepEqual(await attempts(whole, 3, () => '192.0.2.2'), [401, 401, 429]);
  // What stands left of the proxy's own word, the client has claimed.
  assert.deepEqual(await attempts(whole, 3, (n) => `198.51.100.${n}, 192.0.2.3`), [401, 401, 429]);
  assert.deepEqual(
    await attempts(whole, 3, (n) => `127.0.0.1, 198.51.100.${n}, 2001:db8::7`),
    [401, 401, 429],
  );
  assert.equal(await ask(whole, 'right', '192.0.2.1'), 200);
  // Requests that were refused tell their address.
  await eventually('the client is logged', () => logged(whole) === '2001:db8::7');
  for (const [told, wanted] of [
    ['192.0.2.9:4711', '192.0.2.9'],
    ['[2001:db8::9]:4711', '2001:db8::9'],
    ['unknown', '127.0.0.1'],
    ['x'.repeat(5_000), '127.0.0.1'],
  ] as const) {
    await ask(whole, 'wrong', told);
    await eventually(`${wanted} is logged`, () => logged(whole) === wanted);
  }
});

test('what an untrusted peer claims changes nothing; a right key passes all the same', async () => {
  for (const proxies of ['', '10.0.0.0/8']) {
    const whole = await start(proxies);
    assert.deepEqual(await attempts(whole, 4, (n) => `192.0.2.${n}`), [401, 401, 429, 429]);
    for (const path of ['/v1/models', '/v1/usage', '/config']) {
      const get = (key: string) =>
        fetch(`${whole.url}${path}`, {
          headers: { authorization: `Bearer ${key}`, 'x-forwarded-for': '192.0.2.99' },
        });
      assert.equal((await get('wrong')).status, 429, path);
      assert.equal((await get('right')).status, 200, path);
    }
    const preview = await chat(
      whole.url,
      { prompt: 'Hello' },
      { path: '/v1/route', headers: { 'x-forwarded-for': '192.0.2.98' } },
    );
    assert.equal(preview.status, 429);
    assert.equal(await ask(whole, 'right', '192.0.2.1'), 200);
    await eventually('the peer is logged', () => logged(whole) === '127.0.0.1');
    assert.doesNotMatch(whole.logged(), /192\.0\.2\./);
  }
});

test('the admin API limits guesses by the same address, before it looks at the token', async () => {
  const whole = await start('loopback');
  const admin = async (token: string, forwarded: string) => {
    const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': forwarded };
    return (await fetch(`${whole.router.adminUrl}/admin/usage?id=ann`, { headers })).status;
  };
  assert.deepEqual([await admin('wrong', '192.0.2.1'), await admin('wrong', '192.0.2.1')], [401, 401]);
  assert.equal(await admin(TOKEN, '192.0.2.1'), 429);
  assert.equal(await admin(TOKEN, '192.0.2.2'), 200);
});

test('a changed list is taken up without a restart, a wrong one refused', async () => {
  const whole = await start('');
  await attempts(whole, 2, () => '192.0.2.1');
  assert.equal(await ask(whole, 'wrong', '192.0.2.1'), 429);
  whole.rewrite(config('ingress'));
  const { result, problem } = await whole.router.reload('test');
  assert.equal(result, 'refused');
  assert.match(problem!, /server\.trusted_proxies\[0\]: must be an address/);
  whole.rewrite(config('127.0.0.0/8'));
  assert.deepEqual((await whole.router.reload('test')).needRestart, []);
  assert.equal(await ask(whole, 'wrong', '192.0.2.1'), 401);
});
