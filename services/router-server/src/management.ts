/** Who may load and unload models: there is no key, so it is a matter of where the call comes from. */
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { InferError } from './errors.ts';

/** This machine alone. */
export const LOOPBACK = ['127.0.0.0/8', '::1'] as const;

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

export class Management {
  readonly #from = new BlockList();

  /**
   * @param from addresses and ranges such as `10.0.0.0/8` whose calls are taken; none: nobody's.
   * @throws Error naming an entry that is neither.
   */
  constructor(from: readonly string[] = LOOPBACK) {
    for (const entry of from) {
      const [address = '', bits, ...rest] = entry.split('/');
      const most = isIP(address) === 6 ? 128 : 32;
      const isRange = bits !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
      if (isIP(address) === 0 || rest.length > 0 || (bits !== undefined && !isRange))
        throw new Error(`'${entry}' is no address and no range such as 10.0.0.0/8`);
      if (isRange) this.#from.addSubnet(address, Number(bits), familyOf(address));
      else this.#from.addAddress(address, familyOf(address));
    }
  }

  /**
   * @param address the other end of the connection.
   * @param headers of HTTP: what a browser sends for a page is refused from anywhere, for any page may make it call.
   * @throws InferError PERMISSION_DENIED
   */
  check(address: string, headers: IncomingHttpHeaders = {}): void {
    if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined)
      throw new InferError('PERMISSION_DENIED', 'models are not loaded or unloaded by web pages');
    const plain = address.replace(/^::ffff:/, '');
    if (isIP(plain) !== 0 && this.#from.check(plain, familyOf(plain))) return;
    throw new InferError(
      'PERMISSION_DENIED',
      `models are not loaded or unloaded from ${plain || 'there'}; start with --manage-from ${plain || 'ADDRESS'} to allow it`,
    );
  }
}

/** `127.0.0.1:4711`, `[::1]:4711`, `::1:4711` → the address. */
export const addressOfPeer = (peer: string): string => peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
