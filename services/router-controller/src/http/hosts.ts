/** By which names a router is called that asks for no key. */
import { isIP } from 'node:net';
import type { RequestHandler } from 'express';
import { isLoopback } from '../config/loopback.ts';
import type { ConfigFile } from '../config/schema.ts';
import { echo } from '../echo.ts';
import { RouterError } from '../errors.ts';

const HOST = /^(?:\[([\da-f:.]{2,45})\]|([\w.-]{1,254}))(?::\d{0,5})?$/;

/** The name in a Host header: without port, brackets and last dot, in small letters; empty when it is none. */
function nameOf(host: string): string {
  const [, address, name] = HOST.exec(host.toLowerCase()) ?? [];
  return (address ?? name ?? '').replace(/\.$/, '');
}

type Server = Pick<ConfigFile['server'], 'host' | 'allowed_hosts'>;

/** Loopback names and addresses mean this machine; an address can't be pointed elsewhere, but leads to no loopback listener. */
export function isAllowedHost(header: string, { host, allowed_hosts }: Server): boolean {
  const name = nameOf(header);
  if (isLoopback(name) || allowed_hosts.includes('*')) return true;
  if (name !== '' && allowed_hosts.some((allowed) => allowed.toLowerCase() === name)) return true;
  return !isLoopback(host) && isIP(name) !== 0;
}

/**
 * Keeps out web pages whose name was pointed at an open router (DNS rebinding): to the browser it is the page's own server, so
 * nothing else stops it.
 *
 * @param guarded the server's settings while nobody is asked for a key, else null.
 */
export function hosts(guarded: () => Server | null): RequestHandler {
  return ({ headers }, _response, next) => {
    const server = guarded();
    // Browsers always send it.
    if (server && headers.host !== undefined && !isAllowedHost(headers.host, server)) {
      throw new RouterError(
        'host_not_allowed',
        `This router asks for no key and is not called '${echo(headers.host)}': use localhost or 127.0.0.1, list the name in ` +
          'server.allowed_hosts, or set keys',
      );
    }
    next();
  };
}
