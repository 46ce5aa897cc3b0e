/** Whose X-Forwarded-For is believed when failed attempts are counted. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { hashKey } from '../src/authenticate/index.ts';
import { parseConfig } from '../src/config/index.ts';
import { chat, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['A'];
const POLICY =
  'policies: [{ name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, api_base: "{LLM}", model: m }] }]';

let whole: Whole;
afterEach(() => whole?.stop());

async function start(server: string): Promise<void> {
  const auth = `auth: { failures_per_minute: 2, keys: [{ id: ann, hash: '${hashKey('right')}' }] }`;
  whole = await startWhole({
    config: `${POLICY}\n${auth}\nserver: { port: 0, ${server} }`,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
}

const statusOf = async (key: string, forwarded: string) => {
  const headers = { authorization: `Bearer ${key}`, 'x-forwarded-for': forwarded };
  return (await chat(whole.url, { model: 'one', messages: user('Hello') }, { headers })).status;
};

test('behind a trusted proxy each client’s failures are its own', async () => {
  await start('trusted_proxies: [loopback]');
  for (const expected of [401, 401, 429, 429]) assert.equal(await statusOf('guess', '192.0.2.1'), expected);
  assert.equal(await statusOf('guess', '192.0.2.2'), 401);
  // What the client itself claims stands left of what the proxy saw.
  assert.equal(await statusOf('guess', '198.51.100.7, 192.0.2.1'), 429);
});

test('a header from anybody else changes nothing', async () => {
  await start('trusted_proxies: [203.0.113.0/24]');
  for (const [n, expected] of [401, 401, 429].entries())
    assert.equal(await statusOf('guess', `192.0.2.${n}`), expected);
});

test('a right key passes, whoever guesses behind the same address', async () => {
  await start('trusted_proxies: []');
  for (const expected of [401, 401, 429]) assert.equal(await statusOf('guess', ''), expected);
  assert.equal(await statusOf('right', ''), 200);
});

test('what is no address, network or known word is refused with its place', () => {
  const load = (proxy: string) =>
    parseConfig(
      `${POLICY.replace('{LLM}', 'http://a')}\nserver: { trusted_proxies: ['${proxy}'] }`,
      't.yaml',
    );
  for (const good of ['10.0.0.0/8', '192.0.2.1', 'fd00::/8', '::1', 'loopback', 'uniquelocal']) load(good);
  for (const bad of ['10.0.0.0/33', 'ingress', '10.0.0', 'fd00::/129', '10.0.0.0/', '*'])
    assert.throws(() => load(bad), /server\.trusted_proxies\[0\]: want an address, a network such as/, bad);
});
