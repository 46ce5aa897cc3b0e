/** Which way an upstream is reached. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretsIn } from '../../config/known-secrets.ts';
import { Secret } from '../../config/secret.ts';
import type { Env } from '../../outgoing/proxy.ts';
import { proxyFor } from './proxy.ts';

const via = (apiBase: string, env: Env, proxy: Secret | 'none' | null = null) =>
  proxyFor({ apiBase, proxy }, env);

test('each scheme has its own variable, in either case; the lower one goes first', () => {
  const env = { HTTPS_PROXY: 'http://p:1', http_proxy: 'http://p:2', HTTP_PROXY: 'http://p:3' };
  assert.equal(via('https://h', env), 'http://p:1');
  assert.equal(via('http://h', env), 'http://p:2');
  assert.equal(via('https://h', {}), null);
  assert.equal(via('https://h', { https_proxy: 'p:1' }), 'http://p:1');
  assert.throws(() => via('https://h', { https_proxy: 'socks5://p:1' }), /no http/);
});

test('loopback is never reached by a proxy of the environment', () => {
  const env = { http_proxy: 'http://p:1', https_proxy: 'http://p:1' };
  for (const host of [
    '127.0.0.1',
    '127.9.9.9',
    'localhost',
    'LOCALHOST',
    'a.localhost',
    '[::1]',
    'localhost.',
  ])
    assert.equal(via(`http://${host}:8000`, env), null, host);
  assert.equal(via('http://127.0.0.1.example:8000', env), 'http://p:1');
});

test('NO_PROXY takes hosts, domains, addresses, networks and ports', () => {
  for (const [no_proxy, base, direct] of [
    ['*', 'https://h', true],
    ['h', 'https://h', true],
    ['H.example', 'https://h.EXAMPLE', true],
    ['example', 'https://h.example', true],
    ['.example', 'https://h.example', true],
    ['*.example', 'https://h.example', true],
    ['ample', 'https://h.example', false],
    ['a, h ,b', 'https://h', true],
    ['a h b', 'https://h', true],
    ['h:443', 'https://h', true],
    ['h:80', 'https://h', false],
    ['10.0.0.0/8', 'http://10.1.2.3:8000', true],
    ['10.0.0.0/8', 'http://11.1.2.3:8000', false],

    ['10.0.0.0/99', 'http://10.1.2.3', false],
    ['fd00::/8', 'http://[fd00::1]:8000', true],
    ['fd00::1', 'http://[fd00::1]:8000', true],
    ['[fd00::1]:8000', 'http://[fd00::1]:8000', true],
    ['[fd00::1]:8001', 'http://[fd00::1]:8000', false],
    ['', 'https://h', false],
    [',', 'https://h', false],
  ] as const)
    assert.equal(
      via(base, { no_proxy, http_proxy: 'http://p:1', https_proxy: 'http://p:1' }) === null,
      direct,
      `${no_proxy} for ${base}`,
    );
});

test('a target’s own word goes before the environment’s', () => {
  const env = { https_proxy: 'http://p:1', no_proxy: '*' };
  assert.equal(via('https://h', env, new Secret('http://u:pw@own:1')), 'http://u:pw@own:1');
  assert.equal(via('https://h', { https_proxy: 'http://p:1' }, 'none'), null);
});

test('a proxy’s password and keys in a base’s query are secrets of the configuration', () => {
  const found = secretsIn(
    {
      targets: [
        { proxy: 'http://u:p%40ss@proxy:1', api_base: 'https://h/v1?api-version=2024&key=abc123' },
        { proxy: 'none', api_base: 'http://u:50%off@h', tls: { key: 'PEM' } },
      ],
    },
    new Set(),
  );
  assert.deepEqual(
    found.map(({ value }) => value.reveal()).sort(),
    ['50%off', 'PEM', 'abc123', 'p%40ss', 'p@ss'].sort(),
  );
});
