/** Replicas that come and go behind one name. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { after, test } from 'node:test';
import { Server, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { createKServeClient, kserveService } from '@llm-router/protos';
import { FollowingClient } from './following-client.ts';
import { listen } from './testing.ts';

/** A classifier on an address of its own that counts its calls. */
async function replica(host: string, port = 0): Promise<{ port: number; calls: number; stop: () => void }> {
  const server = new Server();
  const told = { calls: 0, port: 0, stop: () => server.forceShutdown() };
  server.addService(kserveService, {
    ServerLive: (_call: ServerUnaryCall<object, object>, callback: sendUnaryData<object>) => {
      told.calls++;
      callback(null, { live: true });
    },
  });
  told.port = await listen(server, `${host}:${port}`);
  after(told.stop);
  return told;
}

const ask = (client: FollowingClient): Promise<void> =>
  new Promise((resolve, reject) =>
    client.current.ServerLive({}, { deadline: Date.now() + 5_000 }, (error) =>
      error ? reject(error) : resolve(),
    ),
  );

test('a replica that is added behind the name gets work, though no connection has ended', async (context) => {
  const first = await replica('127.0.0.2');
  const second = await replica('127.0.0.3', first.port);
  let addresses = ['127.0.0.2'];
  context.mock.method(dns.promises, 'lookup', async () =>
    addresses.map((address) => ({ address, family: 4 })),
  );
  const connected: string[] = [];
  const client = new FollowingClient(
    `classifier.test:${first.port}`,
    (address) => {
      connected.push(address);
      return createKServeClient(address, { 'grpc.enable_http_proxy': 0 });
    },
    20,
  );
  context.after(() => client.close());
  for (let asked = 0; asked < 20; asked++) await ask(client);
  assert.deepEqual([first.calls, second.calls], [20, 0]);
  // Nothing changed: the channel is kept however often the name was looked up.
  assert.equal(connected.length, 1);
  addresses = ['127.0.0.3', '127.0.0.2'];
  while (second.calls === 0) await ask(client);
  assert.equal(connected.length, 2);
  const before = first.calls;
  for (let asked = 0; asked < 20; asked++) await ask(client);
  assert.ok(first.calls > before);
  // One that has left the name gets nothing any more, though it still answers.
  const both = client.current;
  addresses = ['127.0.0.3'];
  while (client.current === both) await ask(client);
  const { calls } = first;
  for (let asked = 0; asked < 20; asked++) await ask(client);
  assert.equal(first.calls, calls);
});

test('an address is never looked up', (context) => {
  const lookup = context.mock.method(dns.promises, 'lookup', async () => []);
  for (const address of ['127.0.0.1:1', '[::1]:1', 'unix:/tmp/x', 'dns:///x:1'])
    new FollowingClient(address, () => ({ close: () => {} }) as never).close();
  assert.equal(lookup.mock.callCount(), 0);
  new FollowingClient('name:1', () => ({ close: () => {} }) as never).close();
  assert.equal(lookup.mock.callCount(), 1);
});
