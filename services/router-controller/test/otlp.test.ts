/** OpenTelemetry's own variables for where and how spans go, against receivers of each protocol. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { createTracing } from '../src/observe/index.ts';
import { certificates } from './certificates.ts';
import { grpcReceiver, protobufReceiver, type Receiver } from './otlp-receivers.ts';

/** Sends one span with these variables and settings. @returns what was told. */
async function send(env: Record<string, string>, settings: object = {}): Promise<string[]> {
  const told: string[] = [];
  const names = [...Object.keys(env), 'no_grpc_proxy', 'grpc_proxy'];
  const before = names.map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, env);
  try {
    const tracing = await createTracing({ sample_ratio: 1, service_name: 's', ...settings }, '1', (message) =>
      told.push(message),
    );
    tracing.request('r', {}, 0).end();
    await tracing.close();
  } finally {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
  return told;
}

async function withReceiver(start: () => Promise<Receiver>, work: (receiver: Receiver) => Promise<void>) {
  const receiver = await start();
  try {
    await work(receiver);
  } finally {
    await receiver.close();
  }
}

test('OTEL_EXPORTER_OTLP_PROTOCOL=grpc sends by gRPC, with headers and resource', () =>
  withReceiver(grpcReceiver, async (receiver) => {
    const told = await send({
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${receiver.address}`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-team=routing,x-both=general',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-both=traces',
      OTEL_RESOURCE_ATTRIBUTES: 'k8s.pod.name=router-1',
    });
    assert.deepEqual(told, []);
    assert.deepEqual(receiver.spans, ['r']);
    assert.equal(receiver.headers['x-team'], 'routing');
    assert.equal(receiver.headers['x-both'], 'traces');
    assert.equal(receiver.resource['k8s.pod.name'], 'router-1');
    assert.equal(receiver.resource['service.name'], 's');
  }));

/** @returns bytes that came to the receiver while these variables sent a span. */
async function bytesSent(receiver: Receiver, env: Record<string, string>): Promise<number> {
  let bytes = 0;
  const [host, port] = receiver.address.split(':');
  const tap = createServer((socket) => {
    const onward = connect(Number(port), host);
    for (const each of [socket, onward]) each.on('error', () => {});
    socket.on('data', (data) => {
      bytes += data.length;
    });
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => tap.listen(0, '127.0.0.1', resolve));
  const { port: tapped } = tap.address() as { port: number };
  await send({ ...env, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${tapped}` });
  tap.close();
  return bytes;
}

test('OTEL_EXPORTER_OTLP_COMPRESSION=gzip makes gRPC’s messages small', () =>
  withReceiver(grpcReceiver, async (receiver) => {
    const long = {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_RESOURCE_ATTRIBUTES: Array.from({ length: 200 }, (_, n) => `a${n}=${'a'.repeat(200)}`).join(),
    };
    const plain = await bytesSent(receiver, long);
    const small = await bytesSent(receiver, { ...long, OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' });
    assert.deepEqual(receiver.spans, ['r', 'r']);
    assert.equal(receiver.resource.a199?.length, 200);
    assert.ok(plain > 40_000 && small < plain / 4, `${plain} ${small}`);
  }));

test('the file’s endpoint and protocol stand above the variables, the traces’ variable above the general one', () =>
  withReceiver(grpcReceiver, async (receiver) => {
    const elsewhere = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
    const endpoint = `http://${receiver.address}`;
    assert.deepEqual(
      await send({ ...elsewhere, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, { endpoint, protocol: 'grpc' }),
      [],
    );
    const both = {
      ...elsewhere,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
    };
    assert.deepEqual(await send(both), []);
    assert.deepEqual(receiver.spans, ['r', 'r']);
    assert.equal(receiver.encoding, undefined);
  }));

test('gRPC over TLS takes the authority and the client’s certificate of the variables, and nothing less', async () => {
  const pki = certificates();
  try {
    const own = pki.issue('IP:127.0.0.1');
    const client = pki.issue('DNS:router');
    await withReceiver(
      () =>
        grpcReceiver({
          ca: pki.ca,
          cert: readFileSync(own.cert, 'utf8'),
          key: readFileSync(own.key, 'utf8'),
        }),
      async (receiver) => {
        const tls = {
          OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
          OTEL_EXPORTER_OTLP_ENDPOINT: `https://${receiver.address}`,
          OTEL_EXPORTER_OTLP_CERTIFICATE: pki.caFile,
          OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: client.cert,
          OTEL_EXPORTER_OTLP_CLIENT_KEY: client.key,
        };
        assert.deepEqual(await send(tls), []);
        assert.deepEqual(receiver.spans, ['r']);
        // Without a scheme it is TLS, too, as the specification has it for gRPC.
        await send({ ...tls, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.address });
        assert.deepEqual(receiver.spans, ['r', 'r']);
        const { OTEL_EXPORTER_OTLP_CERTIFICATE: _, ...stranger } = tls;
        const told = await send({ ...stranger, OTEL_EXPORTER_OTLP_TIMEOUT: '500' });
        assert.equal(told.length, 1, told.join());
        assert.deepEqual(receiver.spans, ['r', 'r']);
      },
    );
  } finally {
    pki.remove();
  }
});

test('http/protobuf sends what only protobuf reads', () =>
  withReceiver(protobufReceiver, async (receiver) => {
    const told = await send({
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${receiver.address}`,
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=k',
    });
    assert.deepEqual(told, []);
    assert.deepEqual(receiver.spans, ['r']);
    assert.equal(receiver.encoding, 'gzip');
    assert.equal(receiver.headers['api-key'], 'k');
  }));

/** Takes connections and never answers. */
async function silence(work: (address: string) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`127.0.0.1:${(server.address() as { port: number }).port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

test('the timeout of the variables holds, the traces’ own one first', () =>
  silence(async (address) => {
    for (const protocol of ['grpc', 'http/json', 'http/protobuf']) {
      // Waiting ends within the close's own bound only if the variable's time holds: the router's would not.
      const told = await send({
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}`,
        OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '300',
        OTEL_EXPORTER_OTLP_TIMEOUT: '60000',
      });
      assert.equal(told.length, 1, `${protocol}: ${told.join()}`);
    }
  }));

test('a receiver is asked by the environment’s proxy as upstreams are: not on loopback, not for NO_PROXY', async () => {
  const asked: string[] = [];
  const proxy = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => {
      asked.push(data.toString('latin1').split(' HTTP/')[0]!);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(proxy.address() as { port: number }).port}`;
  const by = {
    HTTP_PROXY: url,
    http_proxy: url,
    https_proxy: url,
    HTTPS_PROXY: url,
    NO_PROXY: 'inside.invalid',
    no_proxy: 'inside.invalid',
    OTEL_EXPORTER_OTLP_TIMEOUT: '500',
  };
  try {
    for (const protocol of ['grpc', 'http/json'])
      for (const host of ['outside.invalid:4317', 'inside.invalid:4317'])
        await send({
          ...by,
          OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://${host}`,
        });
    assert.ok(asked.includes('CONNECT outside.invalid:4317'), asked.join());
    assert.ok(asked.includes('POST http://outside.invalid:4317/v1/traces'), asked.join());
    assert.doesNotMatch(asked.join(), /inside/);
    asked.length = 0;
    await withReceiver(grpcReceiver, async (receiver) => {
      await send({
        ...by,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://${receiver.address}`,
      });
      assert.deepEqual([receiver.spans, asked], [['r'], []]);
    });
  } finally {
    proxy.close();
  }
});

test('a variable that means nothing here is told, and what it asks for stands as without it', () =>
  withReceiver(protobufReceiver, async (receiver) => {
    const cases: readonly Record<string, string>[] = [
      { OTEL_TRACES_EXPORTER: 'zipkin' },
      { OTEL_PROPAGATORS: 'b3' },
      { OTEL_BSP_MAX_QUEUE_SIZE: 'many' },
      { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '-1' },
    ];
    for (const env of cases) {
      const told = await send({
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://${receiver.address}`,
        ...env,
      });
      assert.equal(told.length, 1, told.join());
      assert.ok(told[0]!.startsWith(Object.entries(env)[0]!.join('=')), told[0]);
    }
    assert.equal(receiver.spans.length, cases.length);
  }));
