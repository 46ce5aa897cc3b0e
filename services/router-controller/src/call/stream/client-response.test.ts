import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { type ClientResponse, writeTo } from './client-response.ts';

class SlowClient extends EventEmitter {
  headersSent = true;
  writableEnded = false;
  destroyed = false;
  full = true;
  readonly written: string[] = [];
  writeHead(): void {}
  end(): void {}
  destroy(): void {}
  write(chunk: Uint8Array): boolean {
    this.written.push(Buffer.from(chunk).toString());
    return !this.full;
  }
}

const soon = () => new Promise((resolve) => setImmediate(resolve));

test('writing waits for a full client to drain, and leaves no listener behind', async () => {
  const client = new SlowClient();
  let done = false;
  const writing = writeTo(client as ClientResponse, Buffer.from('a'))?.then(() => {
    done = true;
  });
  await soon();
  assert.equal(done, false);
  client.emit('drain');
  await writing;
  assert.equal(done, true);
  assert.equal(client.listenerCount('drain') + client.listenerCount('close'), 0);
  client.full = false;
  assert.equal(writeTo(client as ClientResponse, Buffer.from('b')), null);
  assert.deepEqual(client.written, ['a', 'b']);
});

test('a client that leaves ends the wait; nothing is written to one that has left', async () => {
  const client = new SlowClient();
  const writing = writeTo(client as ClientResponse, Buffer.from('a'));
  client.destroyed = true;
  client.emit('close');
  await writing;
  assert.equal(client.listenerCount('drain') + client.listenerCount('close'), 0);
  assert.equal(writeTo(client as ClientResponse, Buffer.from('b')), null);
  assert.deepEqual(client.written, ['a']);
});
