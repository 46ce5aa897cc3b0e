import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, test } from 'node:test';
import { clientAddress, proxyProblem } from './proxies.ts';
import { type Scene, send, startScene } from './testing.ts';

const seen = (ranges: string[], socket: string, forwarded?: string) =>
  clientAddress(ranges)({
    socket: { remoteAddress: socket },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  } as unknown as IncomingMessage);

describe('where a request comes from', () => {
  test('is the socket’s other end where nobody is trusted', () => {
    assert.equal(seen([], '10.0.0.1', '203.0.113.7'), '10.0.0.1');
    assert.equal(seen(['10.0.0.2'], '10.0.0.1', '203.0.113.7'), '10.0.0.1');
  });

  test('is what trusted proxies name, and no further than they vouch for', () => {
    const ranges = ['10.0.0.0/8', '2001:db8::/32', 'loopback'];
    assert.equal(seen(ranges, '10.0.0.1', '203.0.113.7'), '203.0.113.7');
    assert.equal(seen(ranges, '::ffff:10.0.0.1', '198.51.100.1, 203.0.113.7, 10.9.9.9'), '203.0.113.7');
    assert.equal(seen(ranges, '2001:db8::1', '2001:4860::8'), '2001:4860::8');
    assert.equal(seen(ranges, '127.0.0.1', '203.0.113.7:5112'), '203.0.113.7');
    assert.equal(seen(ranges, '::1', '[2001:4860::8]:443'), '2001:4860::8');
    assert.equal(seen(ranges, '10.0.0.1'), '10.0.0.1');
    assert.equal(seen(ranges, '10.0.0.1', 'unknown'), '10.0.0.1');
  });

  test('is trusted by ranges that can be written, and others are refused by name', () => {
    assert.equal(proxyProblem(['10.1.2.3', '10.0.0.0/8', 'fd00::/8', 'uniquelocal']), null);
    for (const wrong of [
      '10.0.0.0/0',
      '10.0.0.0/33',
      'ingress',
      'fe80::1%eth0',
      '10.0.0.0/8/8',
      'constructor',
    ])
      assert.ok(proxyProblem(['loopback', wrong])?.includes(`not '${wrong}'`), wrong);
  });
});

describe('behind a trusted proxy', () => {
  let scene: Scene;
  afterEach(() => scene.stop());
  const basic = (password: string) => ({
    authorization: `Basic ${Buffer.from(`me:${password}`).toString('base64')}`,
  });

  test('wrong passwords lock out whoever gave them, and nobody else', async () => {
    scene = await startScene((_call, response) => response.end('{}'), {
      password: 'right',
      trustedProxies: ['loopback'],
    });
    const ask = async (password: string, client: string) =>
      (await send(scene.playground.url, { headers: { ...basic(password), 'x-forwarded-for': client } }))
        .status;
    for (let i = 0; i < 20; i++) assert.equal(await ask(`guess ${i}`, '203.0.113.7'), 401);
    assert.equal(await ask('right', '203.0.113.7'), 429);
    assert.equal(await ask('right', '198.51.100.1'), 200);
    // Whoever guesses can't take another address by naming one of their own before the proxy's.
    assert.equal(await ask('right', '198.51.100.1, 203.0.113.7'), 429);
  });
});
