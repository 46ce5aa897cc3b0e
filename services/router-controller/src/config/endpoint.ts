import type { ClassifierEndpoint } from './types.ts';

const INFER_PATH = /^\/v2\/models\/([^/]+)(?:\/versions\/[^/]+)?(?:\/infer)?\/?$/;

/**
 * Reads a policy's classifier URL: v1's `http://HOST:8000/v2/models/M/infer`, `grpc://HOST:8001/M`, or
 * `grpcs://HOST:8001/M` for TLS.
 *
 * @throws Error whose message says what would be right; the caller adds the path.
 */
export function parseEndpoint(text: string, upgradeHttpToGrpc: boolean): ClassifierEndpoint {
  const wanted =
    'want http://HOST:PORT/v2/models/MODEL/infer or grpc://HOST:PORT/MODEL; https and grpcs for TLS';
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error(`not a URL; ${wanted}`);
  }
  if (url.protocol === 'grpc:' || url.protocol === 'grpcs:') {
    const model = decodeURIComponent(url.pathname.replace(/^\/|\/$/g, ''));
    if (!url.hostname || !model || model.includes('/')) throw new Error(`names no host and model; ${wanted}`);
    const protocol = url.protocol === 'grpcs:' ? 'grpcs' : 'grpc';
    return { protocol, address: `${url.hostname}:${url.port || '8001'}`, model };
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Error(
      `protocol ${url.protocol.replace(':', '')} is not one a classifier speaks here; ${wanted}`,
    );
  }
  const model = INFER_PATH.exec(url.pathname)?.[1];
  if (!model) throw new Error(`path ${url.pathname} names no KServe v2 model; ${wanted}`);
  if (upgradeHttpToGrpc && url.protocol === 'http:' && url.port === '8000') {
    return { protocol: 'grpc', address: `${url.hostname}:8001`, model: decodeURIComponent(model) };
  }
  return { protocol: 'http', address: url.origin, model: decodeURIComponent(model) };
}

/** Where an upstream's API lives. */
export interface UpstreamBase {
  /** Scheme, host, port and path, without `/v1` at its end, slash at its end, or query. */
  readonly apiBase: string;
  /** Stands between `apiBase` and a route such as `/chat/completions`: `/v1`, or empty. */
  readonly prefix: string;
  /** Nobody wrote the prefix: the base is a bare host. */
  readonly prefixImplied: boolean;
  /** Whole path of chat completions under `apiBase`, where it ends in another way than the route. */
  readonly chatPath: string | null;
  /** Parameters that every call has, as `api-version=2024-10-21`; or empty. */
  readonly query: string;
}

const CHAT_ROUTE = '/chat/completions';
const trimmed = (path: string) => path.replace(/(?<!\/)\/+$/, '');

/**
 * One rule: a base that is a bare host has its API under `/v1`, as OpenAI's own; a base with a path is where the API is, as
 * the SDKs take a `base_url`. `path` says otherwise.
 *
 * @param path of chat completions under the base.
 * @throws Error whose message says what would be right; the caller adds where.
 */
export function parseApiBase(text: string, path?: string): UpstreamBase {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error('not a URL; want https://HOST, or https://HOST/PATH where the API is not under /v1');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Error(`protocol ${url.protocol.replace(':', '')} is not http or https`);
  }
  if (url.username || url.password) throw new Error('holds a user or password; put the key into api_key');
  if (url.hash) throw new Error('must not have a fragment');
  const query = url.search.replace(/^\?/, '');
  let base = trimmed(url.pathname);
  // The whole address of the endpoint, as consoles show it.
  if (base.endsWith(CHAT_ROUTE)) base = base.slice(0, -CHAT_ROUTE.length);
  const bare = base === '' && !url.pathname.endsWith(CHAT_ROUTE);
  const given = /\/v1$/.test(base);
  const apiBase = url.origin + (given ? base.slice(0, -'/v1'.length) : base);
  if (path === undefined)
    return { apiBase, prefix: given || bare ? '/v1' : '', prefixImplied: bare, chatPath: null, query };
  const whole = trimmed(path);
  const before = whole.endsWith(CHAT_ROUTE) ? whole.slice(0, -CHAT_ROUTE.length) : null;
  return {
    apiBase: url.origin + base,
    prefix: before ?? (bare ? '/v1' : ''),
    prefixImplied: false,
    chatPath: before === null ? whole : null,
    query,
  };
}
