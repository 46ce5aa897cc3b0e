/** What goes out to one connection in a turn of the event loop goes out in one write: a system call each would cost more than all else. */
import type { Writable } from 'node:stream';
import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from './clients.ts';

const ending: (() => void)[] = [];

/** Does something once the turn's sockets are read; what it puts off to the turn's end itself follows in the same pass. */
export function atTurnsEnd(work: () => void): void {
  if (ending.push(work) === 1) setImmediate(end);
}

function end(): void {
  try {
    for (let at = 0; at < ending.length; at++) ending[at]!();
  } finally {
    ending.length = 0;
  }
}

/** Holds back what is written until the turn's end. Order stays, and nothing waits for later turns. */
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
      atTurnsEnd(send);
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
