/**
 * Where a request comes from: the socket's other end, or, through proxies that are trusted, the client that they name in
 * `X-Forwarded-For`. As the controller does it (`server.trusted_proxies`), by Node's own block list: this server's image has
 * Node and nothing else.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

const kindOf = (address: string) => (isIP(address) === 4 ? 'ipv4' : 'ipv6');

/** An IPv4 address that came over an IPv6 socket is the same address. */
const plain = (address: string) => /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;

/** Some proxies name the client with its port. */
const withoutPort = (text: string) =>
  /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/
    .exec(text)
    ?.slice(1)
    .find((part) => part !== undefined) ?? text;

/**
 * @param ranges addresses, ranges such as 10.1.0.0/16, loopback, linklocal, uniquelocal
 * @returns the first that is none of these, in words for whoever wrote it; null: all are
 */
export function proxyProblem(ranges: readonly string[]): string | null {
  const wrong = ranges.find((text) => {
    if (Object.hasOwn(NAMED, text)) return false;
    const [address, bits, ...more] = text.split('/');
    const kind = isIP(address!);
    if (kind === 0 || text.includes('%') || more.length > 0) return true;
    // All of them, /0, would let every client choose its address.
    return bits !== undefined && !(/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (kind === 4 ? 32 : 128));
  });
  return wrong === undefined
    ? null
    : `lists addresses (10.1.2.3), ranges of them (10.1.0.0/16, not /0), or ${Object.keys(NAMED).join(', ')}; not '${wrong}'`;
}

/** @param ranges without a {@link proxyProblem}; empty: nobody's word is taken. */
export function clientAddress(ranges: readonly string[]): (request: IncomingMessage) => string {
  const trusted = new BlockList();
  for (const range of ranges.flatMap((text) => NAMED[text] ?? [text])) {
    const [address, bits] = range.split('/') as [string, string?];
    if (bits === undefined) trusted.addAddress(address, kindOf(address));
    else trusted.addSubnet(address, Number(bits), kindOf(address));
  }
  const isTrusted = (address: string) => isIP(address) !== 0 && trusted.check(address, kindOf(address));
  return ({ socket, headers }) => {
    let address = plain(socket.remoteAddress ?? '');
    const told = String(headers['x-forwarded-for'] ?? '').split(',');
    // From the nearest outwards, as far as each is vouched for by a proxy that is trusted.
    while (isTrusted(address) && told.length > 0) {
      const next = plain(withoutPort(told.pop()!.trim()));
      // Whatever else than an address a proxy tells is its own.
      if (isIP(next) === 0) break;
      address = next;
    }
    return address;
  };
}
