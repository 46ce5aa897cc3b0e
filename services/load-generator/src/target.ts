/** Keeps the load on machines that are the user's own: loopback and private addresses, unless they say otherwise. */
import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { UsageError } from './options.ts';

const OWN = new BlockList();
OWN.addSubnet('127.0.0.0', 8, 'ipv4');
OWN.addSubnet('10.0.0.0', 8, 'ipv4');
OWN.addSubnet('172.16.0.0', 12, 'ipv4');
OWN.addSubnet('192.168.0.0', 16, 'ipv4');
OWN.addAddress('::1', 'ipv6');
OWN.addSubnet('fc00::', 7, 'ipv6');

/** True for loopback and private addresses. Link-local ones are not among them: a cloud's metadata lives there. */
export const isOwn = (address: string): boolean =>
  isIP(address) !== 0 && OWN.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

const hostOf = (url: string) => new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');

/**
 * Refuses a target that is somebody else's, or may be.
 *
 * @throws UsageError that tells the address and the flag
 */
export async function checkTarget(url: string): Promise<void> {
  const host = hostOf(url);
  const found = isIP(host)
    ? [{ address: host }]
    : await lookup(host, { all: true }).catch((error: NodeJS.ErrnoException) => {
        throw new UsageError(`--url: '${host}' can't be resolved (${error.code})`);
      });
  const foreign = found.find(({ address }) => !isOwn(address));
  if (!foreign) return;
  const what = foreign.address === host ? host : `'${host}' (${foreign.address})`;
  throw new UsageError(
    `${what} is neither a loopback nor a private address. Load on somebody else's machine is an attack; ` +
      'if this one is yours to load, say so with --i-own-this-target',
  );
}

type Found = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** Resolves as the system does, but never to a foreign address: a name may point elsewhere by the next connection. */
export function ownLookup(hostname: string, options: LookupOptions, found: Found): void {
  systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return found(error, []);
    const own = addresses.filter(({ address }) => isOwn(address));
    const [first] = own;
    if (!first) return found(new Error(`${hostname} points to a foreign address now`), []);
    if (options.all) found(null, own);
    else found(null, first.address, first.family);
  });
}
