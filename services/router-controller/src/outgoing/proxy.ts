/** Which proxy of the environment an address is reached by, as curl reads it: one decision for all that is called outside. */
import { BlockList, isIP } from 'node:net';

export type Env = Readonly<Record<string, string | undefined>>;

/** Loopback is this machine: a proxy elsewhere could not reach it. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

const family = (host: string) => (isIP(host) === 6 ? 'ipv6' : 'ipv4');
const bareHost = (host: string) =>
  host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return isIP(host) !== 0 && LOOPBACK.check(host, family(host));
}

/**
 * @param address absolute http(s) URL.
 * @returns URL of the proxy; null: go straight.
 * @throws Error where the environment names a proxy that can't be one.
 */
export function proxyByEnv(address: string, env: Env = process.env): string | null {
  const url = new URL(address);
  const host = bareHost(url.hostname);
  const secure = url.protocol === 'https:';
  const named = secure ? (env.https_proxy ?? env.HTTPS_PROXY) : (env.http_proxy ?? env.HTTP_PROXY);
  if (!named || isLoopback(host)) return null;
  const port = url.port || (secure ? '443' : '80');
  const excepted = (env.no_proxy ?? env.NO_PROXY ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  if (excepted.some((entry) => isExcepted(entry, host, port))) return null;
  const proxy = named.includes('://') ? named : `http://${named}`;
  if (!/^https?:/.test(proxy) || !URL.canParse(proxy))
    throw new Error('the environment names a proxy that is no http:// or https:// URL');
  return proxy;
}

/** `*`, a host with all below it, with or without a dot before it, an address, a network (10.0.0.0/8), each with or without a port. */
function isExcepted(entry: string, host: string, port: string): boolean {
  const [, name = '', only] = /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  if (only !== undefined && only !== port) return false;
  const excepted = bareHost(name).replace(/^\*?\./, '');
  if (excepted === '*') return true;
  if (excepted.includes('/')) return isIP(host) !== 0 && inNetwork(excepted, host);
  return host === excepted || (excepted !== '' && host.endsWith(`.${excepted}`));
}

function inNetwork(network: string, host: string): boolean {
  const [address = '', bits] = network.split('/');
  const list = new BlockList();
  try {
    list.addSubnet(address, Number(bits), family(address));
  } catch {
    return false;
  }
  return list.check(host, family(host));
}
