import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { carry, carryAlways } from './carried.ts';

class Response extends ServerResponse {}
carryAlways(Response.prototype, { 'x-always': 'yes' });

const WAYS: Record<string, (response: Response) => unknown> = {
  'a head with its headers': (response) =>
    response.writeHead(201, { 'x-own': 'a', 'content-length': 0 }).end(),
  'a head with words and headers': (response) => response.writeHead(201, 'Made', { 'x-own': 'a' }).end(),
  'a head with a list of headers': (response) => response.writeHead(201, ['x-own', 'a']).end(),
  'a head alone, headers set before': (response) => response.setHeader('x-own', 'a').writeHead(201).end(),
  'a head with headers, others set before': (response) =>
    response.setHeader('x-other', 'b').writeHead(201, { 'x-own': 'a' }).end(),
  'no head at all': (response) => {
    response.statusCode = 201;
    response.setHeader('x-own', 'a').end('text');
  },
};

for (const [way, answer] of Object.entries(WAYS))
  test(`carried headers stand in an answer that writes ${way}`, async (t) => {
    const server = createServer({ ServerResponse: Response }, (_request, response) => {
      carry(response, { 'x-request-id': 'one' });
      carry(response, { 'x-more': 'm' });
      answer(response as Response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { status, headers } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      headers: { connection: 'close' },
    });
    const seen = ['x-always', 'x-request-id', 'x-more', 'x-own'].map((name) => headers.get(name));
    assert.deepEqual([status, ...seen], [201, 'yes', 'one', 'm', 'a']);
  });

test('what a head says itself goes before what is carried', async (t) => {
  const server = createServer({ ServerResponse: Response }, (request, response) => {
    carry(response, { 'x-request-id': 'one' });
    if (request.url === '/set') response.setHeader('x-request-id', 'two').end();
    else response.writeHead(200, { 'x-request-id': 'two', 'x-always': 'no' }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const told = await fetch(url, { headers: { connection: 'close' } });
  assert.deepEqual([told.headers.get('x-request-id'), told.headers.get('x-always')], ['two', 'no']);
  const set = await fetch(`${url}/set`, { headers: { connection: 'close' } });
  assert.deepEqual([set.headers.get('x-request-id'), set.headers.get('x-always')], ['two', 'yes']);
});
