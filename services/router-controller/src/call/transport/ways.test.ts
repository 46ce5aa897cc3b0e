/** How an upstream is reached: its name, its age, proxies, certificates, and answers that undici can't read. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VERSION } from '../../version.ts';
import { answerOf, chunkOf, DONE, startRawUpstream } from '../raw-upstream.ts';
import { withCall, withRaw } from '../testing.ts';

const sound = answerOf('hi');

test(
  'the router says its name, unless the target gives another; the client’s query goes along',
  withRaw({ answer: (wire) => wire.plain(sound), alone: true }, async (call, upstream) => {
    assert.equal((await call.ask()).status, 200);
    assert.equal(upstream.seen[0]!.headers['user-agent'], `llm-router/${VERSION}`);
    assert.equal(upstream.seen[0]!.url, '/v1/chat/completions');
  }),
);

test(
  'a name of the target’s own goes before',
  withRaw(
    { answer: (wire) => wire.plain(sound), alone: true, target: { headers: { 'User-Agent': 'mine/1' } } },
    async (call, upstream) => {
      assert.equal((await call.ask()).status, 200);
      assert.equal(upstream.seen[0]!.headers['user-agent'], 'mine/1');
    },
  ),
);

test(
  'a connection that is old takes no new request, and ends the one it has in peace',
  withRaw(
    { answer: (wire) => wire.plain(sound), alone: true, upstream: { connection_max_age_ms: 1_500 } },
    async (call, upstream) => {
      await (await call.ask()).text();
      await (await call.ask()).text();
      assert.equal(upstream.connections(), 1);
      const more = Promise.withResolvers<void>();
      upstream.answer = async (wire) => {
        wire.open();
        wire.events(chunkOf({ content: 'slow' }));
        await more.promise;
        wire.events(chunkOf({}, 'stop'), DONE);
        wire.end();
      };
      const slow = await call.ask({ stream: true });
      await new Promise((resolve) => setTimeout(resolve, 1_600));
      upstream.answer = (wire) => wire.plain(sound);
      assert.equal((await call.ask()).status, 200);
      assert.ok(upstream.connections() >= 2);
      more.resolve();
      assert.match(await slow.text(), /\[DONE\]/);
    },
  ),
);

for (const interim of [
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n',
])
  test(
    `${interim.split('\r\n').filter(Boolean).length} interim answers that nobody asked for are read over, plain and streamed`,
    withRaw(
      { answer: () => {}, alone: true, policy: { retry_budget: { attempts: 1 } } },
      async (call, upstream) => {
        upstream.answer = (wire, { body }) => {
          wire.write(interim);
          if (body?.stream !== true) return wire.plain(sound);
          wire.open();
          wire.events(chunkOf({ content: 'hi' }), chunkOf({}, 'stop'), DONE);
          wire.end();
        };
        assert.equal(await (await call.ask()).text(), sound);
        assert.match(await (await call.ask({ stream: true })).text(), /\[DONE\]/);
        assert.equal(upstream.seen.length, 3, 'the first is asked again, once');
        upstream.answer = (wire) =>
          wire.plain('{"error":{"message":"no"}}', { status: '500 Internal Server Error' });
        assert.equal((await call.ask()).status, 500);
      },
    ),
  );

/** A forward proxy that notes what it is asked for, and takes CONNECT and absolute URLs. */
async function startProxy() {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (data) => {
      const head = data.toString('latin1');
      const [first = ''] = head.split('\r\n');
      const auth = /proxy-authorization: (\S+ \S+)/i.exec(head)?.[1] ?? '';
      asked.push(`${first.replace(/ HTTP.*/, '')} ${auth}`.trim());
      const [, method, target = ''] = /^(\S+) (\S+)/.exec(first) ?? [];
      const url = new URL(method === 'CONNECT' ? `http://${target}` : target);
      // Every name leads to this machine.
      const up = connect(Number(url.port), '127.0.0.1', () => {
        if (method === 'CONNECT') socket.write('HTTP/1.1 200 OK\r\n\r\n');
        else up.write(data.toString('latin1').replace(target, url.pathname), 'latin1');
        up.pipe(socket);
        socket.pipe(up);
      });
      sockets.add(up);
      up.on('error', () => socket.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    asked,
    port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('an upstream that only a proxy reaches is reached by the target’s own proxy, with its password', async () => {
  const proxy = await startProxy();
  const upstream = await startRawUpstream((wire) => wire.plain(sound));
  const { port } = new URL(upstream.url);
  const first = {
    name: 'first',
    api_base: `http://only-by-proxy.invalid:${port}`,
    proxy: `http://user:pass@127.0.0.1:${proxy.port}`,
  };
  try {
    await withCall({ targets: [first] }, async (call) => {
      assert.equal(await (await call.ask()).text(), sound);
      const basic = Buffer.from('user:pass').toString('base64');
      assert.deepEqual(proxy.asked, [
        `POST http://only-by-proxy.invalid:${port}/v1/chat/completions Basic ${basic}`,
      ]);
    })();
  } finally {
    proxy.close();
    await upstream.close();
  }
});

/** An authority, a server's and a client's certificate of it. */
function certificates(folder: string) {
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const made = (name: string) => ({
    key: readFileSync(file(`${name}.key`), 'utf8'),
    cert: readFileSync(file(`${name}.pem`), 'utf8'),
  });
  const NEW = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  openssl(...NEW, '-x509', '-subj', '/CN=test authority', '-keyout', file('ca.key'), '-out', file('ca.pem'));
  for (const name of ['server', 'client']) {
    const own = name === 'server' ? ['-addext', 'subjectAltName=DNS:llm.test'] : [];
    openssl(
      ...NEW,
      '-x509',
      '-subj',
      `/CN=${name}`,
      ...own,
      '-CA',
      file('ca.pem'),
      '-CAkey',
      file('ca.key'),
      '-keyout',
      file(`${name}.key`),
      '-out',
      file(`${name}.pem`),
    );
  }
  return { ca: made('ca').cert, server: made('server'), client: made('client') };
}

test('a target’s own authority and client certificate are used, straight and through a proxy’s tunnel', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  const { ca, server, client } = certificates(folder);
  rmSync(folder, { recursive: true });
  const upstream = createTlsServer(
    { ...server, ca, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      request.resume();
      response.setHeader('content-type', 'application/json').end(sound);
    },
  );
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as { port: number };
  const proxy = await startProxy();
  const base = { api_base: `https://127.0.0.1:${port}`, proxy: 'none' };
  const tls = { ca, ...client, server_name: 'llm.test' };
  const one = { retry_budget: { attempts: 1 } };
  const ask = (more: object) => async () => {
    let status = 0;
    await withCall({ targets: [{ name: 'first', ...base, ...more }], policy: one }, async (call) => {
      status = (await call.ask()).status;
    })();
    return status;
  };
  try {
    assert.equal(await ask({ tls })(), 200);
    assert.equal(await ask({ tls: { ca, server_name: 'llm.test' } })(), 502, 'without a client certificate');
    assert.equal(await ask({ tls: { ca, ...client, server_name: 'other.test' } })(), 502, 'another name');
    assert.equal(await ask({})(), 502, 'an authority that nobody trusts');
    assert.equal(proxy.asked.length, 0);
    assert.equal(await ask({ tls, proxy: `http://127.0.0.1:${proxy.port}` })(), 200);
    assert.deepEqual(proxy.asked, [`CONNECT 127.0.0.1:${port}`]);
  } finally {
    proxy.close();
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
  }
});
