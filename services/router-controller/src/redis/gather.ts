/** Commands of one turn of the event loop go out in one write: a system call each would cost more than all else about them. */
import type { Writable } from 'node:stream';
import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from './clients.ts';

/** Holds back what is written until the turn's sockets are read. Order stays, and nothing waits for later turns. */
export function gatherWrites(stream: Writable): void {
  const write = stream.write;
  let corked = false;
  const send = () => {
    corked = false;
    stream.uncork();
  };
  stream.write = function gathered(this: Writable, ...args: unknown[]): boolean {
    if (!corked) {
      corked = true;
      stream.cork();
      setImmediate(send);
    }
    return Reflect.apply(write, stream, args) as boolean;
  } as typeof stream.write;
}

/** Each connection that the client makes from now on. */
export function gatherCommands(client: RedisClient): RedisClient {
  const each = (node: Redis) =>
    node.on('connect', () => gatherWrites((node as unknown as { stream: Writable }).stream));
  if (client instanceof Cluster) client.on('+node', each);
  else each(client);
  return client;
}
