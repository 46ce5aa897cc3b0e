/** Connections by HTTP follow the classifier's name, and calls under way lose nothing by it. */
import assert from 'node:assert/strict';
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { KServeHttpClient } from './kserve-http.ts';
import { DESCRIPTION } from './testing.ts';

/** Answers after each call has waited for `until`. */
async function replica(host: string, port: number, until = () => Promise.resolve()) {
  const told = { calls: 0, server: null as unknown as Server, port: 0 };
  told.server = createServer(async (request, response) => {
    told.calls++;
    request.resume();
    await until();
    response.end(
      JSON.stringify({ model_version: '1', outputs: [{ name: 'OUTPUT', shape: [1, 2], data: [0.9, 0.1] }] }),
    );
  });
  told.server.listen(port, host);
  await once(told.server, 'listening');
  told.port = (told.server.address() as AddressInfo).port;
  return told;
}

test('a busy connection follows the name to another replica', async (context) => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const blue = await replica('127.0.0.2', 0, () => held);
  const green = await replica('127.0.0.3', blue.port);
  context.after(() => {
    for (const { server } of [blue, green]) server.close().closeAllConnections();
  });
  let address = '127.0.0.2';
  context.mock.method(
    dns,
    'lookup',
    (_name: string, options: { all?: boolean }, callback: CallableFunction) =>
      options.all ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4),
  );
  const client = new KServeHttpClient(`http://classifier.test:${blue.port}`, 'm', null, 1);
  context.after(() => client.close());
  const infer = () => client.infer(['x'], DESCRIPTION, { deadlineMs: 10_000 });
  const first = infer();
  while (blue.calls === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  address = '127.0.0.3';
  await infer();
  assert.deepEqual([blue.calls, green.calls], [1, 1]);
  // The one under way on the older connection is answered all the same.
  release();
  assert.deepEqual(Array.from((await first).answers[0]!.output), [0.9, 0.1]);
});
