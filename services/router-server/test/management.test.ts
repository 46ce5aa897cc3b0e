import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MODELS } from '../src/fixture.ts';
import { type RouterServer, startRouterServer } from '../src/index.ts';
import { addressOfPeer, Management } from '../src/management.ts';

let server: RouterServer;
before(async () => {
  server = await startRouterServer({ repository: MODELS, threads: 1, pollSeconds: 0 });
});
after(() => server.close());

const call = (action: string, headers: Record<string, string> = {}) =>
  fetch(`${server.http}/v2/repository/models/task_router_head/${action}`, {
    method: 'POST',
    headers,
    body: '',
  });

test('a web page can’t unload a model, whatever it says it sends; a tool of this machine can', async () => {
  const pages: Record<string, string>[] = [
    { origin: 'http://evil.example', 'content-type': 'text/plain' },
    { origin: 'null' },
    { origin: server.http },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-origin' },
  ];
  for (const headers of pages)
    for (const action of ['load', 'unload']) {
      const reply = await call(action, headers);
      assert.equal(reply.status, 403, JSON.stringify(headers));
      assert.match(((await reply.json()) as { error: string }).error, /web pages/);
    }
  assert.equal((await fetch(`${server.http}/v2/models/task_router_head/ready`)).status, 200);
  assert.equal((await call('unload')).status, 200);
  assert.equal((await fetch(`${server.http}/v2/models/task_router_head/ready`)).status, 503);
  assert.equal((await call('load')).status, 200);
});

test('elsewhere it is taken from the addresses that were named, and from no other', () => {
  const loopback = new Management();
  for (const mine of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) loopback.check(mine);
  for (const other of ['10.0.0.7', '::ffff:10.0.0.7', '2001:db8::1', '', 'unknown'])
    assert.throws(() => loopback.check(other), { code: 'PERMISSION_DENIED' }, other);
  const named = new Management(['10.0.0.0/8', '192.168.7.3', '2001:db8::/32']);
  for (const mine of ['10.9.9.9', '::ffff:10.0.0.7', '192.168.7.3', '2001:db8::1']) named.check(mine);
  for (const other of ['127.0.0.1', '192.168.7.4', '2001:db9::1'])
    assert.throws(() => named.check(other), { message: /--manage-from/ }, other);
  assert.throws(() => new Management([]).check('127.0.0.1'), { code: 'PERMISSION_DENIED' });
  for (const wrong of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0/8', '::/129', '10.0.0.0/x'])
    assert.throws(() => new Management([wrong]), /is no address and no range/, wrong);
});

test('a peer of gRPC is its address', () => {
  assert.deepEqual(
    ['127.0.0.1:4711', '[::1]:4711', '::1:4711', '[2001:db8::1]:80', 'unknown'].map(addressOfPeer),
    ['127.0.0.1', '::1', '::1', '2001:db8::1', 'unknown'],
  );
});
