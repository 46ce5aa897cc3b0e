import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import express from 'express';
import { classesOf } from './as-express.ts';

test('requests and responses are the app’s before it has seen them', async (t) => {
  const app = express();
  app.post('/', (request, response) => {
    request.on('data', (data) => response.write(data)).on('end', () => response.end());
  });
  const seen: boolean[] = [];
  const server = createServer(classesOf(app), (request, response) => {
    seen.push(request instanceof IncomingMessage, response instanceof ServerResponse);
    seen.push(
      Object.getPrototypeOf(request) === app.request,
      Object.getPrototypeOf(response) === app.response,
    );
    app(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const answer = await fetch(url, { method: 'POST', body: 'as it came', headers: { connection: 'close' } });
  assert.equal(await answer.text(), 'as it came');
  assert.deepEqual(seen, [true, true, true, true]);
});
