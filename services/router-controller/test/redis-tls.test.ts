/** TLS to Redis in each form that it is run in, watched on the wire; certificates for names; client certificates. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { startRedis } from '../proof/limits/start-redis.ts';
import { redisSchema } from '../src/config/schema-redis.ts';
import { type Certificates, certificates } from './certificates.ts';
import { eventually } from './harness.ts';
import { admission } from './redis-admission.ts';
import { type Relay, startRelay } from './relay.ts';

const PASSWORD = 'password-of-redis-0123456789';
const SENTINEL_PASSWORD = 'password-of-sentinel-0123456789';
const CLIENT_HELLO = 0x16;

let pki: Certificates;
const folder = mkdtempSync(join(tmpdir(), 'llm-router-redis-tls-'));
before(() => {
  pki = certificates();
});
after(() => {
  pki.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Reaches it, shares limits through it, and no byte of it is readable on the way. */
async function sharedAndSecret(config: object, relays: readonly Relay[]) {
  const subject = admission({ call_timeout_ms: 1_000, ...config });
  try {
    await eventually('Redis is reached', () => subject.redis.up).catch((error) => {
      throw new Error(`${(error as Error).message}: ${subject.told()}`);
    });
    assert.equal(await subject.passing(8), 5);
    for (const relay of relays) {
      assert.ok(relay.firstBytes().length > 0, 'nothing came this way');
      assert.ok(
        relay.firstBytes().every((byte) => byte === CLIENT_HELLO),
        'something was sent in clear',
      );
      for (const secret of [PASSWORD, SENTINEL_PASSWORD]) assert.ok(!relay.sent().includes(secret));
    }
  } finally {
    await subject.close();
  }
}

const refused = async (config: object, why: RegExp) => {
  const subject = admission({ call_timeout_ms: 1_000, ...config });
  try {
    await eventually('it is told', () => subject.told().length > 0);
    await new Promise((resolve) => setTimeout(resolve, 800));
    assert.equal(subject.redis.up, false);
    assert.equal(subject.told().length, 1, subject.told().join('\n'));
    assert.match(subject.told()[0]!, why);
  } finally {
    await subject.close();
  }
};

/** A Sentinel that watches what is behind this port by TLS. */
async function startSentinel(
  masterPort: number,
  lines: readonly string[],
  tls?: { key: string; cert: string },
) {
  const file = join(folder, `sentinel-${masterPort}.conf`);
  const watch = [
    `sentinel monitor main 127.0.0.1 ${masterPort} 1`,
    `sentinel auth-pass main ${PASSWORD}`,
    'tls-replication yes',
    `tls-ca-cert-file ${pki.caFile}`,
    'tls-auth-clients no',
    // It speaks TLS to the master, for which it wants a certificate of its own.
    ...(tls
      ? []
      : Object.entries(pki.issue('DNS:localhost')).map(([what, path]) => `tls-${what}-file ${path}`)),
  ];
  writeFileSync(file, [...watch, ...lines].join('\n'));
  return startRedis([], file, tls);
}

test('one Redis: TLS by rediss:// and by tls alike, with a password', async () => {
  const server = await startRedis(['--requirepass', PASSWORD], undefined, pki.issue('DNS:localhost'));
  const relay = await startRelay(server.port);
  const { ca } = pki;
  try {
    for (const more of [
      { url: `rediss://localhost:${relay.port}` },
      { url: `redis://localhost:${relay.port}` },
      { url: `redis://localhost:${relay.port}`, tls: true },
      { url: `rediss://127.0.0.1:${relay.port}`, tls_servername: 'localhost' },
    ])
      await sharedAndSecret(
        { ...more, ca, password: PASSWORD, key_prefix: `p${Math.random()}`.slice(0, 9) },
        [relay],
      );
    await refused({ url: `rediss://127.0.0.1:${relay.port}`, ca, password: PASSWORD }, /IP|altnames/);
  } finally {
    await relay.close();
    await server.close();
  }
});

test('Sentinel: the master it names is spoken to by TLS, whatever the Sentinel speaks', async () => {
  const certificate = pki.issue('DNS:localhost,IP:127.0.0.1');
  const server = await startRedis(['--requirepass', PASSWORD], undefined, certificate);
  const relay = await startRelay(server.port);
  const sentinel = await startSentinel(relay.port, []);
  try {
    const config = {
      sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
      master: 'main',
      password: PASSWORD,
      ca: pki.ca,
    };
    await sharedAndSecret(config, [relay]);
    await sharedAndSecret({ ...config, tls: true, key_prefix: 'other' }, [relay]);
  } finally {
    await Promise.all([sentinel.close(), relay.close()]);
    await server.close();
  }
});

test('Sentinels with a user, a password and TLS of their own; certificates for a name, the master told by address', async () => {
  const certificate = pki.issue('DNS:localhost');
  const server = await startRedis(['--requirepass', PASSWORD], undefined, certificate);
  const relay = await startRelay(server.port);
  const sentinel = await startSentinel(
    relay.port,
    [`requirepass ${SENTINEL_PASSWORD}`, `user watcher on >${SENTINEL_PASSWORD} ~* &* +@all`],
    certificate,
  );
  const before = await startRelay(sentinel.port);
  const config = {
    sentinels: [{ host: 'localhost', port: before.port }],
    master: 'main',
    password: PASSWORD,
    tls: true,
    sentinel_tls: true,
    ca: pki.ca,
  };
  try {
    await sharedAndSecret({ ...config, sentinel_password: SENTINEL_PASSWORD }, [relay, before]);
    await sharedAndSecret(
      { ...config, sentinel_username: 'watcher', sentinel_password: SENTINEL_PASSWORD, key_prefix: 'user' },
      [relay, before],
    );
    await refused(config, /Sentinels|sentinels.*NOAUTH/i);
    await refused({ ...config, sentinel_password: 'wrong-one' }, /WRONGPASS/);
  } finally {
    await Promise.all([sentinel.close(), before.close(), relay.close()]);
    await server.close();
  }
});

async function clusterOfOne(certificate: { key: string; cert: string }, more: readonly string[] = []) {
  const server = await startRedis(
    [
      '--cluster-enabled',
      'yes',
      '--tls-cluster',
      'yes',
      '--cluster-announce-ip',
      '127.0.0.1',
      '--cluster-config-file',
      'nodes.conf',
      '--requirepass',
      PASSWORD,
      ...more,
    ],
    undefined,
    certificate,
  );
  const plain = new Redis({
    host: '127.0.0.1',
    port: server.port,
    password: PASSWORD,
    tls: { rejectUnauthorized: false },
  });
  plain.on('error', () => {});
  await eventually('it takes commands', () => plain.status === 'ready');
  await plain.cluster('ADDSLOTSRANGE', 0, 16383);
  await eventually('the cluster is whole', async () =>
    /cluster_state:ok/.test(String(await plain.cluster('INFO'))),
  );
  plain.disconnect();
  return server;
}

test('Cluster: certificates for names, where nodes announce addresses', async () => {
  const server = await clusterOfOne(pki.issue('DNS:localhost'));
  const { ca } = pki;
  try {
    const config = { ca, password: PASSWORD };
    const at = (host: string) => ({ cluster: [{ host, port: server.port }] });
    await sharedAndSecret({ ...config, ...at('localhost') }, []);
    await sharedAndSecret(
      { ...config, ...at('127.0.0.1'), tls_servername: 'localhost', key_prefix: 'b' },
      [],
    );
    // What no name in the configuration says is still refused, and the log says why.
    await refused({ ...config, ...at('127.0.0.1') }, /IP|altnames/);
    await refused({ ...config, ...at('localhost'), tls_servername: 'redis.example.com' }, /altnames/);
    await refused({ ...at('localhost'), tls: true, password: PASSWORD }, /certificate/);
  } finally {
    await server.close();
  }
});

test('Cluster: each connection by TLS, announced addresses mapped to where they are reached', async () => {
  const server = await clusterOfOne(pki.issue('DNS:localhost'));
  const relay = await startRelay(server.port);
  try {
    await sharedAndSecret(
      {
        cluster: [{ host: 'localhost', port: relay.port }],
        tls: true,
        ca: pki.ca,
        password: PASSWORD,
        address_map: { [`127.0.0.1:${server.port}`]: `localhost:${relay.port}` },
      },
      [relay],
    );
    // The second connection, to the node announced, took the way of the map, too.
    assert.ok(relay.firstBytes().length >= 2);
  } finally {
    await relay.close();
    await server.close();
  }
});

test('a Redis that asks for client certificates gets one, in each form', async () => {
  const certificate = pki.issue('DNS:localhost,IP:127.0.0.1');
  const asks = ['--tls-auth-clients', 'yes', '--tls-ca-cert-file', pki.caFile, '--requirepass', PASSWORD];
  const server = await startRedis(asks, undefined, certificate);
  const [cert, key] = [certificate.cert, certificate.key].map((file) => readFileSync(file, 'utf8'));
  const config = { ca: pki.ca, password: PASSWORD, url: `rediss://localhost:${server.port}` };
  try {
    await sharedAndSecret({ ...config, cert, key }, []);
    await refused(config, /certificate/);
  } finally {
    await server.close();
  }
});

test('what can’t be or would send a password in clear unsaid is refused with what would be right', () => {
  const sentinels = [{ host: 'localhost', port: 26379 }];
  for (const [config, message] of [
    [{ sentinels, tls: true, sentinel_password: 'x' }, /sentinel_tls.*say true, or false/],
    [{ url: 'redis://localhost', sentinel_password: 'x' }, /sentinel_password.*with `sentinels` only/],
    [{ sentinels, sentinel_username: 'x' }, /needs sentinel_password/],
    [{ url: 'rediss://localhost', cert: 'x' }, /cert and key go together/],
    [{ url: 'redis://localhost', tls_servername: 'x' }, /with TLS only/],
    [{ url: 'redis://localhost', address_map: { nowhere: 'localhost:1' } }, /HOST:PORT/],
  ] as const) {
    const { error } = redisSchema.safeParse(config);
    assert.match(
      error?.issues.map(({ path, message }) => `${path}: ${message}`).join('\n') ?? 'taken',
      message,
    );
  }
});
