/**
 * Headers that every answer carries, whoever writes its head. Not by `setHeader` ahead of it: Node then takes each of the head's
 * own headers through `setHeader` as well, which costs more than all else about a head.
 */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

const CARRIED = Symbol('carried headers');

type Headers = Readonly<Record<string, string>>;
type Carrying = ServerResponse & { [CARRIED]?: Headers };

/** Headers for one response; what its head says itself goes before. */
export function carry(response: ServerResponse, headers: Headers): void {
  const carrying = response as Carrying;
  carrying[CARRIED] = { ...carrying[CARRIED], ...headers };
}

/** @param always for all responses of this prototype. Names in small letters, here and in heads. */
export function carryAlways(prototype: ServerResponse, always: Headers): void {
  const { writeHead } = prototype;
  prototype.writeHead = function (this: Carrying, status: number, ...given: unknown[]) {
    const carried = { ...always, ...this[CARRIED] };
    const own = given.at(-1);
    if (
      own !== null &&
      typeof own === 'object' &&
      !Array.isArray(own) &&
      this.getHeaderNames().length === 0
    ) {
      const headers: OutgoingHttpHeaders = { ...carried, ...own };
      return Reflect.apply(writeHead, this, [status, ...given.slice(0, -1), headers]) as ServerResponse;
    }
    for (const name in carried) if (!this.hasHeader(name)) this.setHeader(name, carried[name]!);
    return Reflect.apply(writeHead, this, [status, ...given]) as ServerResponse;
  } as typeof writeHead;
}
