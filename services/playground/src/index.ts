/**
 * The playground's server: one page, and a relay from it to the router.
 *
 * @example
 * const playground = await startPlayground({ router: new URL('http://127.0.0.1:8084'), apiKey: null, port: 0 });
 * await fetch(`${playground.url}/healthz`);
 * await playground.close();
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PAGE_HEADERS } from '../../pages/src/served.ts';
import { PlaygroundError, sendError } from './answer.ts';
import { loadAssets, sendAsset } from './assets.ts';
import { checkHost, checkOrigin, isLoopback, PasswordGate } from './guard.ts';
import { clientAddress } from './proxies.ts';
import { type RelayOptions, relay, relayedMethod } from './relay.ts';

export { isLoopback } from './guard.ts';

export interface PlaygroundOptions extends RelayOptions {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Names that the page may be opened by, beside loopback's and, off loopback, addresses; `*`: any. */
  readonly hosts?: readonly string[];
  /** Asked of browsers by basic authentication; null: nobody is asked. */
  readonly password?: string | null;
  /** Proxies whose `X-Forwarded-For` tells the client's address: addresses, ranges, loopback, linklocal, uniquelocal. */
  readonly trustedProxies?: readonly string[];
  /** Told of faults of the playground's own; never of prompts. */
  readonly log?: (line: string) => void;
}

export interface Playground {
  readonly url: string;
  /** Ends calls under way and stops. */
  readonly close: () => Promise<void>;
}

function methodNotAllowed(method: string | undefined, path: string, allowed: string): PlaygroundError {
  return new PlaygroundError(
    405,
    'method_not_allowed',
    `${method} is not allowed on ${path}; use ${allowed}`,
    {
      allow: allowed,
    },
  );
}

/** @throws Error when the address can't be listened on */
export async function startPlayground(options: PlaygroundOptions): Promise<Playground> {
  const host = options.host ?? '127.0.0.1';
  const hosts = { isLocal: isLoopback(host), named: (options.hosts ?? []).map((name) => name.toLowerCase()) };
  const assets = loadAssets();
  const gate = options.password
    ? new PasswordGate(options.password, clientAddress(options.trustedProxies ?? []))
    : null;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '/').split('?')[0]!;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (path === '/healthz') {
      if (!reads) throw methodNotAllowed(request.method, path, 'GET');
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}');
      return;
    }
    checkHost(request, hosts);
    gate?.check(request, response);
    const asset = assets.get(path);
    if (asset) {
      if (!reads) throw methodNotAllowed(request.method, path, 'GET');
      sendAsset(request, response, asset);
      return;
    }
    const method = relayedMethod(path);
    if (!method) throw new PlaygroundError(404, 'not_found', 'The playground has no such path');
    if (request.method !== method) throw methodNotAllowed(request.method, path, method);
    checkOrigin(request);
    await relay(request, response, path, options);
  };

  // Node looks for late clients every half a minute unless told.
  const server = createServer({ connectionsCheckingInterval: 1_000 }, (request, response) => {
    for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value);
    response.on('error', () => {});
    handle(request, response).catch((raised: unknown) => {
      if (raised instanceof PlaygroundError) sendError(response, raised);
      // A browser that left while its body was read is no fault.
      else if (response.destroyed || request.destroyed) response.destroy();
      else {
        options.log?.(`a request failed: ${raised instanceof Error ? raised.stack : raised}`);
        sendError(response, new PlaygroundError(500, 'internal_error', 'The playground failed; see its log'));
      }
    });
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
