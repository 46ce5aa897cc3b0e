/** The connections to one target: straight or by a proxy, with the target's own certificates. */
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { tlsOptions } from '../../config/tls.ts';
import type { Target } from '../../config/types.ts';
import { proxyFor } from './proxy.ts';

export interface TransportLimits {
  /** Longest response headers taken, bytes; more is a fault of the upstream. */
  readonly maxHeaderBytes: number;
  readonly connectionsPerTarget: number;
  /** A connection is used for new requests so long, milliseconds: then a new one asks DNS again. */
  readonly connectionMaxAgeMs: number;
}

/** Idle connections are closed before most servers do it, which would break the next request on them. */
const KEEP_ALIVE_MS = 30_000;

/** @throws Error where the environment names a proxy that can't be one. */
export function connect(target: Target, limits: TransportLimits): Dispatcher {
  const options = {
    connections: limits.connectionsPerTarget,
    // First-byte, idle and total limits are kept per attempt; undici's own (300 s) would only contradict them.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Also where the upstream hints at more.
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: limits.maxHeaderBytes,
    // An abort has to end the upstream's work, and over HTTP/1.1 a closed socket always does.
    allowH2: false,
  };
  const timeout = target.timeouts.connect_ms;
  const tls = tlsOptions(target.tls);
  const proxy = proxyFor(target);
  if (proxy === null) return new Agent({ ...options, connect: { timeout, ...tls } });
  return new ProxyAgent({ ...options, uri: proxy, connectTimeout: timeout, requestTls: { timeout, ...tls } });
}
