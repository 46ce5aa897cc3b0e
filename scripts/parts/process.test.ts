import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { freePort } from './process.ts';

test('a free port is none that the kernel gives away by itself', async () => {
  const given: number[] = [];
  for (let n = 0; n < 20; n++) given.push(await freePort());
  assert.ok(
    given.every((port) => port >= 12_000 && port < 22_000),
    given.join(),
  );
  // None is given twice: a server may need three before it listens on any.
  assert.equal(new Set(given).size, 20, given.join());
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(given[0], '127.0.0.1', resolve));
  server.close();
});
