import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Listeners } from './listeners.ts';

function started(max: number) {
  const server = createServer((_request, response) => response.end('answered'));
  let drops = 0;
  const listeners = new Listeners(server, {
    max,
    onDropped: () => {
      drops++;
    },
    onError: assert.ifError,
  });
  return { server, listeners, drops: () => drops };
}

const ask = async (url: string) =>
  (await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5_000) })).text();

test('a crowd is taken in fewer turns than it has heads', {
  skip: process.platform !== 'linux',
}, async () => {
  const { listeners } = started(1_000);
  const { port } = new URL(await listeners.listen('127.0.0.1', 0));
  // Another thread: this one is busy.
  const crowd = new Worker(
    `const { connect } = require('node:net');
     const { parentPort, workerData } = require('node:worker_threads');
     const all = Array.from({ length: 100 }, () => connect(workerData, '127.0.0.1'));
     parentPort.once('message', () => all.forEach((socket) => socket.destroy()));`,
    { eval: true, workerData: Number(port) },
  );
  let turns = 0;
  while (listeners.open.size < 100 && turns < 400) {
    const until = performance.now() + 10;
    while (performance.now() < until);
    if (listeners.open.size > 0) turns++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(listeners.open.size, 100);
  assert.ok(turns < 60, `${turns} turns`);
  crowd.postMessage('go');
  await listeners.close();
  await crowd.terminate();
});

test('each connection is served, whichever socket took it, and none more than there may be', async () => {
  const { listeners, drops } = started(20);
  const url = await listeners.listen('127.0.0.1', 0);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(url)));
  assert.deepEqual(new Set(answers), new Set(['answered']));
  while (listeners.open.size > 0) await sleep(5);
  const { port } = new URL(url);
  const open: Socket[] = [];
  let closed = 0;
  for (let at = 0; at < 50; at++) {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('close', () => closed++).on('error', () => {});
    open.push(socket);
    await once(socket, 'connect');
  }
  while (closed < 30) await sleep(5);
  await sleep(50);
  assert.deepEqual([listeners.open.size, closed, drops()], [20, 30, 30]);
  // With room again, and with a new bound.
  listeners.max = 21;
  assert.equal(await ask(url), 'answered');
  for (const socket of open) socket.destroy();
  await listeners.close();
});

test('a port that is taken is told, also by one of our own', async () => {
  const { listeners } = started(10);
  const url = await listeners.listen('127.0.0.1', 0);
  const { port } = new URL(url);
  const { listeners: second } = started(10);
  await assert.rejects(second.listen('127.0.0.1', Number(port)), {
    message: `can’t listen: port ${port} on 127.0.0.1 is taken; choose another with --port`,
  });
  assert.equal(await ask(url), 'answered');
  await listeners.close();
});

test('once closed no socket listens, and what is open ends in its own time', async () => {
  const { server, listeners } = started(100);
  const url = await listeners.listen('127.0.0.1', 0);
  const { port } = new URL(url);
  const sockets = Array.from({ length: 20 }, () => connect(Number(port), '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  while (listeners.open.size < 20) await sleep(5);
  let over = false;
  const closed = listeners.close().then(() => {
    over = true;
  });
  for (let at = 0; at < 40; at++) {
    const late = connect(Number(port), '127.0.0.1');
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
  }
  assert.equal(over, false);
  for (const socket of sockets) {
    socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    const [data] = (await once(socket, 'data')) as [Buffer];
    assert.match(data.toString(), /answered/);
  }
  await closed;
  assert.equal(server.listening, false);
});
