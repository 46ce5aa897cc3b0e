/** TLS to the classifier, as real servers speak it: an authority of one's own, client certificates, and what is told when it fails. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createServer, type TlsOptions } from 'node:tls';
import type { RouterServer } from '@llm-router/router-server';
import { startTriton, type Triton } from '@llm-router/triton';
import { ConfigError, parseConfig } from '../src/config/index.ts';
import { type Certificates, certificates } from './certificates.ts';
import {
  chat,
  eventually,
  MODELS,
  startClassifier,
  startWhole,
  user,
  V1_CONFIG,
  type Whole,
} from './harness.ts';

const PROMPT = 'Write a Python function that reverses a linked list.';
const folder = mkdtempSync(join(tmpdir(), 'llm-router-classifier-tls-'));
let pki: Certificates;
let other: Certificates;
let server: RouterServer;
before(async () => {
  [pki, other] = [certificates(), certificates()];
  server = await startClassifier();
});
after(async () => {
  await server.close();
  for (const each of [pki, other]) each.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Front {
  readonly address: string;
  readonly stop: () => void;
}

/** What stands in front of router-server and ends TLS, as a proxy or a sidecar does. */
async function front(options: TlsOptions, behind = server.grpc): Promise<Front> {
  const [host, port] = behind.replace('http://', '').split(':');
  const sockets = new Set<{ destroy(): void }>();
  const listener = createServer({ ALPNProtocols: ['h2'], ...options }, (client) => {
    const inner = connect(Number(port), host);
    for (const socket of [client, inner]) sockets.add(socket);
    client.pipe(inner).pipe(client);
    client.on('error', () => inner.destroy());
    inner.on('error', () => client.destroy());
  }).on('tlsClientError', () => {});
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  };
  return { address: `127.0.0.1:${(listener.address() as AddressInfo).port}`, stop };
}

const pem = ({ key, cert }: { key: string; cert: string }) => ({
  key: readFileSync(key, 'utf8'),
  cert: readFileSync(cert, 'utf8'),
});

/** v1's file with its classifiers at another address. */
const config = (base: string, tls: object, more: object = {}) => {
  const isHttp = base.startsWith('http');
  const url = (model: string) => (isHttp ? `${base}/v2/models/${model}/infer` : `${base}/${model}`);
  const classifier = JSON.stringify({ deadline_ms: 20_000, startup_wait_ms: 10_000, tls, ...more });
  const policies = V1_CONFIG.replace(/http:\/\/router-server:8000\/v2\/models\/(\w+)\/infer/g, (_, model) =>
    url(model),
  );
  return `classifier: ${classifier}\n${policies}`;
};

async function labels({ url }: Whole): Promise<void> {
  const response = await chat(url, { model: 'task_router', messages: user(PROMPT) });
  assert.equal(response.headers.get('x-llm-router-reason'), 'classified');
  assert.equal(response.headers.get('x-llm-router-label'), 'Code Generation');
}

const problemOf = ({ router }: Whole) => router.decider.status().task_router!.problem;

for (const [scheme, behind] of [
  ['grpcs', () => server.grpc],
  ['https', () => server.http],
] as const) {
  describe(`${scheme}://`, () => {
    const isGrpc = scheme === 'grpcs';
    const start = async (options: TlsOptions, tls: object): Promise<[Whole, () => Promise<void>]> => {
      const ALPNProtocols = [isGrpc ? 'h2' : 'http/1.1'];
      const { address, stop } = await front({ ALPNProtocols, ...options }, behind());
      const whole = await startWhole({
        config: config(`${scheme}://${address}`, tls, { startup_wait_ms: 300 }),
      });
      return [whole, () => whole.stop().finally(stop)];
    };

    test('an authority of one’s own, and a name that the address is not', async () => {
      for (const [names, tls] of [
        ['IP:127.0.0.1', {}],
        ['DNS:classifier.example', { server_name: 'classifier.example' }],
      ] as const) {
        const [whole, stop] = await start(pem(pki.issue(names)), { ca: pki.ca, ...tls });
        try {
          await eventually('it is ready', () => problemOf(whole) === null);
          await labels(whole);
        } finally {
          await stop();
        }
      }
    });

    test('what is wrong is told with what would be right', async () => {
      const good = pem(pki.issue('IP:127.0.0.1'));
      for (const [what, options, tls, told] of [
        [
          'no authority',
          good,
          { server_name: '127.0.0.1' },
          /give that authority’s own as classifier\.tls\.ca/,
        ],
        ['another one', good, { ca: other.ca }, /give that authority’s own as classifier\.tls\.ca/],
        [
          'another name',
          pem(pki.issue('DNS:classifier.example')),
          { ca: pki.ca },
          /for other names: call it by one of them, or give one as classifier\.tls\.server_name/,
        ],
        [
          'a client certificate is asked for',
          { ...good, ca: pki.ca, requestCert: true },
          { ca: pki.ca },
          // HTTP/1.1 hears of it when it has sent its request, and not always why.
          isGrpc ? /give one as classifier\.tls\.cert and key/ : /./,
        ],
      ] as const) {
        const [whole, stop] = await start(options as TlsOptions, tls);
        try {
          assert.match(problemOf(whole) ?? 'ready', told, what);
        } finally {
          await stop();
        }
      }
    });

    test('a server that speaks no TLS', async () => {
      const address = behind().replace('http://', '');
      const text = config(`${scheme}://${address}`, { ca: pki.ca }, { startup_wait_ms: 300 });
      const whole = await startWhole({ config: text });
      try {
        assert.match(problemOf(whole) ?? 'ready', /it speaks no TLS there: write grpc:\/\//);
      } finally {
        await whole.stop();
      }
    });
  });
}

test('grpc:// to a server that speaks TLS is told', async () => {
  const { address, stop } = await front(pem(pki.issue('IP:127.0.0.1')));
  const text = config(`grpc://${address}`, {}, { startup_wait_ms: 300, tls: undefined });
  const whole = await startWhole({ config: text });
  try {
    assert.match(problemOf(whole) ?? 'ready', /where it speaks TLS, write grpcs:\/\/ in the policy’s url/);
  } finally {
    await whole.stop();
    stop();
  }
});

test('an authority’s file that changes is taken up by the running router', async () => {
  const file = join(folder, 'ca.crt');
  copyFileSync(other.caFile, file);
  const { address, stop } = await front(pem(pki.issue('IP:127.0.0.1')));
  const text = config(`grpcs://${address}`, { ca: `file:${file}` }, { startup_wait_ms: 300 });
  const whole = await startWhole({ config: text, watch: true });
  try {
    assert.match(problemOf(whole) ?? 'ready', /classifier\.tls\.ca/);
    writeFileSync(file, pki.ca);
    await eventually('it is ready', () => problemOf(whole) === null);
    await labels(whole);
  } finally {
    await whole.stop();
    stop();
  }
});

describe('a real Triton that asks for certificates', () => {
  let triton: Triton;
  let client: { key: string; cert: string };
  before(async () => {
    const own = pki.issue('IP:127.0.0.1');
    client = pki.issue('DNS:router');
    triton = await startTriton({
      repository: MODELS,
      args: [
        '--grpc-use-ssl=true',
        '--grpc-use-ssl-mutual=true',
        `--grpc-server-cert=${own.cert}`,
        `--grpc-server-key=${own.key}`,
        `--grpc-root-cert=${pki.caFile}`,
      ],
    });
  });
  after(() => triton.stop());

  test('one that has one is answered', async () => {
    const tls = { ca: `file:${pki.caFile}`, cert: `file:${client.cert}`, key: `file:${client.key}` };
    const whole = await startWhole({ config: config(`grpcs://${triton.grpc}`, tls) });
    try {
      await eventually('it is ready', () => problemOf(whole) === null);
      await labels(whole);
      assert.ok(!whole.logged().includes('PRIVATE KEY'));
    } finally {
      await whole.stop();
    }
  });

  test('one that has none is told so', async () => {
    const text = config(`grpcs://${triton.grpc}`, { ca: pki.ca }, { startup_wait_ms: 300 });
    const whole = await startWhole({ config: text });
    try {
      assert.match(problemOf(whole) ?? 'ready', /classifier\.tls\.cert and key/);
    } finally {
      await whole.stop();
    }
  });
});

test('parts that no connection could be made with are refused before one is tried', () => {
  const problems = (base: string, tls: object) => {
    try {
      parseConfig(config(base, tls), 'router.yaml', { env: { NVIDIA_API_KEY: 'nvapi-of-the-test' } });
      return [];
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.problems.map(({ path, message }) => `${path}: ${message}`);
    }
  };
  assert.deepEqual(problems('grpcs://h:1', { ca: 'no PEM', cert: pki.ca, key: 'nor this' }), [
    'classifier.tls.ca: want the PEM of a certificate (-----BEGIN …), or file:PATH of one',
    'classifier.tls.key: want the PEM of a private key without a passphrase (-----BEGIN …), or file:PATH of one',
  ]);
  assert.deepEqual(problems('grpc://h:1', { ca: pki.ca }), [
    'classifier.tls: no policy’s url speaks TLS; write grpcs:// (or https://) there, or leave this out',
  ]);
  assert.deepEqual(problems('grpcs://h:1', { cert: pki.ca }), ['classifier.tls: cert and key go together']);
});
