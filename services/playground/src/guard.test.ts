import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { isLoopback } from './guard.ts';
import { postJson, type Scene, send, startScene } from './testing.ts';

let scene: Scene;
afterEach(() => scene.stop());
const begin = async (options: Parameters<typeof startScene>[1] = {}) => {
  scene = await startScene((_call, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }, options);
  return scene.playground.url;
};
const codeOf = (text: string) => JSON.parse(text).error.code;

describe('other web pages', () => {
  test('make a browser send nothing to the router', async () => {
    const url = await begin();
    const foreign: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
    ];
    for (const headers of foreign) {
      const reply = await postJson(`${url}/v1/chat/completions`, {}, headers);
      assert.deepEqual([reply.status, codeOf(reply.text)], [403, 'cross_site_request']);
    }
    assert.deepEqual(scene.seen, []);
    const own: Record<string, string>[] = [
      { 'sec-fetch-site': 'same-origin', origin: url },
      { origin: url },
      {},
    ];
    for (const headers of own) {
      const reply = await postJson(`${url}/v1/chat/completions`, {}, headers);
      assert.equal(reply.status, 200);
    }
  });

  test('whose name was pointed at this machine get nothing from a server on loopback', async () => {
    const url = await begin();
    const { port } = new URL(url);
    for (const host of [`evil.example:${port}`, '127.0.0.1.evil.example', '192.168.0.7', '[']) {
      const reply = await send(`${url}/config`, { headers: { host } });
      assert.ok([400, 403].includes(reply.status), `${host}: ${reply.status}`);
    }
    assert.deepEqual(scene.seen, []);
    for (const host of [`localhost:${port}`, `[::1]:${port}`, `me.localhost:${port}`, `127.0.0.2:${port}`])
      assert.equal((await send(`${url}/config`, { headers: { host } })).status, 200, host);
  });

  test('nor from a server for other machines, as it stands behind a port published on loopback', async () => {
    await begin({ host: '0.0.0.0', hosts: ['Playground.example', 'play'] });
    const url = scene.playground.url.replace('0.0.0.0', '127.0.0.1');
    const ask = async (host: string, path = '/config') =>
      (await send(url + path, { headers: { host, 'sec-fetch-site': 'same-origin' } })).status;
    for (const host of [
      'evil.example',
      'evil.example:8008',
      'a.playground.example',
      'play.',
      'x'.repeat(5000),
    ])
      for (const path of ['/config', '/'])
        assert.equal(await ask(host, path), host === 'play.' ? 200 : 403, `${host} ${path}`);
    assert.deepEqual(
      scene.seen.filter(({ headers }) => headers.host?.includes('evil')),
      [],
    );
    for (const host of [
      'playground.example',
      'PLAY:8008',
      'localhost',
      '127.0.0.1:8008',
      '10.1.2.3',
      '[2001:db8::1]:80',
    ])
      assert.equal(await ask(host), 200, host);
    assert.equal((await send(`${url}/healthz`, { headers: { host: 'probe' } })).status, 200);
  });

  test('any name is taken where that is asked for', async () => {
    await begin({ host: '0.0.0.0', hosts: ['*'] });
    const url = scene.playground.url.replace('0.0.0.0', '127.0.0.1');
    assert.equal((await send(`${url}/config`, { headers: { host: 'any.example' } })).status, 200);
  });
});

describe('a password', () => {
  const PASSWORD = 'grün: and long enough';
  const basic = (text: string) => ({
    authorization: `Basic ${Buffer.from(text, 'utf8').toString('base64')}`,
  });

  test('is asked for everything but the health check, whatever the user’s name', async () => {
    const url = await begin({ password: PASSWORD });
    assert.equal((await send(`${url}/healthz`)).text, '{"status":"ok"}');
    for (const path of ['/', '/main.ts', '/config', '/nothing']) {
      const reply = await send(url + path);
      assert.equal(reply.status, 401, path);
      assert.match(String(reply.headers['www-authenticate']), /^Basic realm=/);
      assert.ok(!JSON.stringify(reply).includes('grün'));
    }
    for (const wrong of ['', PASSWORD, `me:${PASSWORD} `, `me:${PASSWORD.slice(1)}`, 'me:']) {
      assert.equal((await send(url, { headers: basic(wrong) })).status, 401, wrong);
    }
    assert.equal((await send(url, { headers: { authorization: `Bearer ${PASSWORD}` } })).status, 401);
    assert.deepEqual(scene.seen, []);
    for (const user of ['', 'me']) {
      assert.equal((await send(`${url}/config`, { headers: basic(`${user}:${PASSWORD}`) })).status, 200);
    }
    assert.ok(!JSON.stringify(scene.seen).includes(basic(`me:${PASSWORD}`).authorization));
  });

  test('can’t be guessed at speed', async () => {
    const url = await begin({ password: PASSWORD });
    const statuses: number[] = [];
    for (let i = 0; i < 25; i++) {
      statuses.push((await send(url, { headers: basic(`me:guess ${i}`) })).status);
    }
    assert.deepEqual(statuses, [...Array(20).fill(401), ...Array(5).fill(429)]);
    const { status, headers } = await send(url, { headers: basic(`me:${PASSWORD}`) });
    assert.equal(status, 429);
    assert.ok(Number(headers['retry-after']) >= 1 && Number(headers['retry-after']) <= 60);
  });

  test('that somebody else guesses at locks out nobody who has known it', async () => {
    const url = await begin({ password: PASSWORD });
    const first = await send(url, { headers: basic(`me:${PASSWORD}`) });
    const [cookie] = String(first.headers['set-cookie']).split(';');
    assert.match(String(first.headers['set-cookie']), /HttpOnly; SameSite=Strict/);
    for (let i = 0; i < 25; i++) await send(url, { headers: basic(`me:guess ${i}`) });
    assert.equal((await send(url, { headers: basic(`me:${PASSWORD}`) })).status, 429);
    const back = await send(url, { headers: { ...basic(`me:${PASSWORD}`), cookie: `a=b; ${cookie}` } });
    assert.deepEqual([back.status, back.headers['set-cookie']], [200, undefined]);
    // The cookie is no password, and another's is none at all.
    assert.equal((await send(url, { headers: { cookie: cookie! } })).status, 401);
    assert.equal((await send(url, { headers: { ...basic('me:wrong'), cookie: cookie! } })).status, 401);
    assert.equal(
      (await send(url, { headers: { ...basic(`me:${PASSWORD}`), cookie: 'playground-knows=x' } })).status,
      429,
    );
    assert.ok(!String(first.headers['set-cookie']).includes(PASSWORD));
  });
});

test('loopback is this machine alone', async () => {
  await begin();
  for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', 'LOCALHOST', 'a.localhost', '::1', '[::1]'])
    assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'localhost.example', ''])
    assert.ok(!isLoopback(host), host);
});
