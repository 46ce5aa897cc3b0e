/**
 * Connections to Redis in each form that it is run in. The library reads some options in one form only (TLS for what a
 * Sentinel names, for instance), so each form says all of them here, and nothing else makes a client.
 */
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, type PeerCertificate } from 'node:tls';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisConfig } from '../config/schema-redis.ts';

export type RedisClient = Redis | Cluster;

/** The library's own pause between two attempts to connect, ms. */
const MAX_RECONNECT_MS = 1_000;
const CONNECT_MS = 2_000;
/** A Sentinel that takes longer is passed over for the next one, ms. */
const SENTINEL_MS = 2_000;

const pause = (times: number) => Math.min(50 * times, MAX_RECONNECT_MS);

/** True when Redis itself is spoken to by TLS. */
export const usesTls = ({ url, tls, ca, cert }: RedisConfig): boolean =>
  tls || ca !== undefined || cert !== undefined || (url?.startsWith('rediss://') ?? false);

/**
 * A server that was found by its address (a cluster's node, a Sentinel's master) may show a certificate for one of the names
 * that the configuration gives: certificates of hosted clusters are for names, and their nodes announce addresses. The
 * authority is checked all the same.
 */
function identityFor(names: readonly string[]) {
  return (host: string, certificate: PeerCertificate): Error | undefined => {
    const problem = checkServerIdentity(host, certificate);
    if (!problem || isIP(host) === 0) return problem;
    return names.some((name) => !checkServerIdentity(name, certificate)) ? undefined : problem;
  };
}

function tlsOptions(config: RedisConfig): ConnectionOptions {
  const { ca, cert, key, tls_servername: servername, cluster, sentinels } = config;
  const names = [...(cluster ?? []), ...(sentinels ?? [])]
    .map(({ host }) => host)
    .filter((host) => isIP(host) === 0);
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert, key }),
    ...(servername !== undefined && { servername }),
    checkServerIdentity: identityFor(names),
  };
}

/** `HOST:PORT` as the library wants it in both halves; an IPv6 address stands in brackets. */
function addressMap(map: RedisConfig['address_map']): Record<string, { host: string; port: number }> {
  const split = (text: string) => {
    const at = text.lastIndexOf(':');
    return { host: text.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(at + 1)) };
  };
  return Object.fromEntries(
    Object.entries(map).map(([announced, reached]) => {
      const { host, port } = split(announced);
      return [`${host}:${port}`, split(reached)];
    }),
  );
}

function optionsOf(config: RedisConfig): RedisOptions {
  const { username, password } = config;
  return {
    // A command for a Redis that is away fails at once, instead of waiting in a queue.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // The probe does what requests do; INFO, which the library would ask, is forbidden to careful users' routers.
    enableReadyCheck: false,
    connectTimeout: CONNECT_MS,
    retryStrategy: pause,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(usesTls(config) && { tls: tlsOptions(config) }),
  };
}

/** Opens one; it connects by itself, again and again, and looks names up anew each time. */
export function openClient(config: RedisConfig): RedisClient {
  const { url, sentinels, master, cluster, address_map } = config;
  const tls = usesTls(config);
  const options = optionsOf(config);
  const natMap = Object.keys(address_map).length > 0 ? addressMap(address_map) : undefined;
  if (cluster) {
    return new Cluster([...cluster], {
      enableOfflineQueue: false,
      enableReadyCheck: false,
      clusterRetryStrategy: pause,
      ...(natMap && { natMap }),
      // Names are looked up by the socket: a name that is made an address here could not be found in a certificate.
      ...(tls && { dnsLookup: (name, done) => done(null, name) }),
      redisOptions: options,
    });
  }
  if (sentinels) {
    const { sentinel_username, sentinel_password, sentinel_tls } = config;
    return new Redis({
      ...options,
      sentinels: [...sentinels],
      name: master,
      sentinelRetryStrategy: pause,
      sentinelCommandTimeout: SENTINEL_MS,
      // Without this switch the library connects to what a Sentinel names in clear, whatever `tls` says.
      enableTLSForSentinelMode: tls,
      ...(natMap && { natMap }),
      ...(sentinel_username !== undefined && { sentinelUsername: sentinel_username }),
      ...(sentinel_password !== undefined && { sentinelPassword: sentinel_password }),
      ...(sentinel_tls && { sentinelTLS: tlsOptions(config) }),
    });
  }
  return new Redis(url!, options);
}

/**
 * Why a cluster can't be reached, where the library says only that a connection has closed: tries the first node alone.
 *
 * @returns null: that node can be reached, or does not say.
 */
export async function reasonOfCluster(config: RedisConfig): Promise<string | null> {
  const node = config.cluster?.[0];
  if (!node) return null;
  const client = new Redis({ ...optionsOf(config), ...node, retryStrategy: null });
  try {
    return await new Promise((resolve) => {
      client.once('error', (error) => resolve(`${node.host}:${node.port}: ${error.message}`));
      client.once('ready', () => resolve(null));
      client.once('end', () => resolve(null));
    });
  } finally {
    client.on('error', () => {});
    client.disconnect();
  }
}

/** What a client failed with, in words that say why: the library hides a node's or a Sentinel's problem in its own. */
export function reasonOf(error: unknown): string {
  const { lastNodeError, message } = error as Error & { lastNodeError?: Error };
  return lastNodeError?.message ? `${message} ${lastNodeError.message}` : message;
}
