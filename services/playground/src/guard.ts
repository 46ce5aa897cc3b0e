/** Who may speak to the playground: its own page, and, with a password set, those who know it. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP, isIPv4 } from 'node:net';
import { PlaygroundError } from './answer.ts';

/** True for addresses and names that mean this machine alone. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    (isIPv4(name) && name.startsWith('127.'))
  );
}

const hostOf = (url: string) => {
  try {
    return new URL(url).host;
  } catch {
    return null;
  }
};

/** Names that a page may be opened by. */
export interface Hosts {
  /** True where the server listens on loopback: other addresses don't lead to it. */
  readonly isLocal: boolean;
  /** Further names, in lower case; `*`: any. */
  readonly named: readonly string[];
}

const MAX_ECHO = 200;
const HOST = /^(\[[\da-f:.]{2,45}\]|[\w.-]{1,254})(?::\d{0,5})?$/;
const nameOf = (host: string) => HOST.exec(host.toLowerCase())?.[1]?.replace(/\.$/, '') ?? '';

/**
 * Refuses a page whose name was pointed at this server (DNS rebinding): to the browser it is this server's own. Such a page
 * comes by a name; loopback names mean this machine, and an address can't be pointed anywhere.
 *
 * @throws PlaygroundError 403
 */
export function checkHost({ headers }: IncomingMessage, { isLocal, named }: Hosts): void {
  const host = headers.host ?? '';
  const name = nameOf(host);
  if (isLoopback(name) || named.includes('*') || named.includes(name)) return;
  if (!isLocal && isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0) return;
  throw new PlaygroundError(
    403,
    'host_not_allowed',
    `The playground is not called '${host.slice(0, MAX_ECHO)}'; open it as localhost or 127.0.0.1, or start it with this name in ` +
      'PLAYGROUND_HOSTS',
  );
}

/**
 * Refuses what another web page makes a browser send: it would spend the router's key.
 *
 * @throws PlaygroundError 403
 */
export function checkOrigin({ headers }: IncomingMessage): void {
  const host = headers.host ?? '';
  const site = headers['sec-fetch-site'];
  const isForeign =
    site === undefined
      ? headers.origin !== undefined && hostOf(headers.origin) !== host
      : site !== 'same-origin' && site !== 'none';
  if (isForeign) {
    throw new PlaygroundError(403, 'cross_site_request', 'Only the playground’s own page may call this');
  }
}

const WINDOW_MS = 60_000;
const FAILURES_A_MINUTE = 20;
const MAX_ADDRESSES = 10_000;

/** Given to browsers that knew the password; beside it, never in its place. */
const COOKIE = 'playground-knows';
const COOKIE_SECONDS = 30 * 24 * 3600;

const digest = (text: string) => createHash('sha256').update(text).digest();

/**
 * HTTP basic authentication with one password; the user's name does not matter. Wrong ones lock an address out for a while;
 * where everybody has the same, behind a proxy that is not trusted, a browser that has known the password before is let in all
 * the same, by its cookie.
 */
export class PasswordGate {
  readonly #digest: Buffer;
  readonly #mark: string;
  readonly #failures = new Map<string, { count: number; since: number }>();

  readonly #addressOf: (request: IncomingMessage) => string;

  /** @param addressOf where a request comes from. Default: the socket's other end. */
  constructor(
    password: string,
    addressOf: (request: IncomingMessage) => string = ({ socket }) => socket.remoteAddress ?? '',
  ) {
    this.#addressOf = addressOf;
    this.#digest = digest(password);
    // Another after each start: it saves one lock-out, no password.
    this.#mark = createHmac('sha256', randomBytes(32)).update(password).digest('base64url');
  }

  #isMarked({ headers }: IncomingMessage): boolean {
    const given = (headers.cookie ?? '').split(';').map((each) => each.trim());
    return given.some((each) => timingSafeEqual(digest(each), digest(`${COOKIE}=${this.#mark}`)));
  }

  /** @throws PlaygroundError 401, or 429 after too many wrong passwords from one address */
  check(request: IncomingMessage, response: ServerResponse): void {
    const address = this.#addressOf(request);
    const now = Date.now();
    const failed = this.#failures.get(address);
    if (failed && now - failed.since >= WINDOW_MS) this.#failures.delete(address);
    else if (failed && failed.count >= FAILURES_A_MINUTE && !this.#isMarked(request)) {
      const seconds = Math.ceil((failed.since + WINDOW_MS - now) / 1000);
      throw new PlaygroundError(
        429,
        'too_many_failures',
        'Too many wrong passwords from this address; try again later',
        { 'retry-after': String(seconds) },
      );
    }
    const given = /^Basic\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const decoded = given === undefined ? '' : Buffer.from(given, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    // Digests are of one length, so the comparison tells nothing of the password's.
    if (timingSafeEqual(digest(colon < 0 ? '' : decoded.slice(colon + 1)), this.#digest)) {
      if (!this.#isMarked(request))
        response.setHeader(
          'set-cookie',
          `${COOKIE}=${this.#mark}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${COOKIE_SECONDS}`,
        );
      return;
    }
    // A browser's first request has no password and is no guess.
    if (given !== undefined) this.#note(address, now);
    throw new PlaygroundError(401, 'password_required', 'The playground wants its password', {
      'www-authenticate': 'Basic realm="LLM Router playground", charset="UTF-8"',
    });
  }

  #note(address: string, now: number): void {
    const entry = this.#failures.get(address);
    if (entry) entry.count++;
    else {
      if (this.#failures.size >= MAX_ADDRESSES) this.#failures.clear();
      this.#failures.set(address, { count: 1, since: now });
    }
  }
}
