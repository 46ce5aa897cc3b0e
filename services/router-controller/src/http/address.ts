/** Where a request comes from: the socket's other end, or, through proxies that are trusted, the client that they name. */
import { isIP } from 'node:net';
import type { Express, Request } from 'express';

/**
 * Lets an app read `X-Forwarded-For` as far as it comes from these proxies; a list that changes is taken up by the next
 * request.
 */
export function trustProxies(app: Express, trusted: () => readonly string[]): void {
  let inForce: readonly string[] | null = null;
  app.use((_request, _response, next) => {
    const wanted = trusted();
    if (wanted !== inForce) app.set('trust proxy', [...wanted]);
    inForce = wanted;
    next();
  });
}

/** Some proxies name the client with its port. */
const withoutPort = (text: string) =>
  /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/
    .exec(text)
    ?.slice(1)
    .find((part) => part !== undefined) ?? text;

/** The client's address, for logs and limits; whatever else than an address a proxy tells is its own. */
export function addressOf(request: Request): string {
  const told = withoutPort(request.ip ?? '');
  return isIP(told) === 0 ? (request.socket.remoteAddress ?? '') : told;
}
