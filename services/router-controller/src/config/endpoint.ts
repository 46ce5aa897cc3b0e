import type { ClassifierEndpoint } from './types.ts';

const INFER_PATH = /^\/v2\/models\/([^/]+)(?:\/versions\/[^/]+)?(?:\/infer)?\/?$/;

/**
 * Reads a policy's classifier URL: v1's `http://HOST:8000/v2/models/M/infer`, or `grpc://HOST:8001/M`.
 *
 * @throws Error whose message says what would be right; the caller adds the path.
 */
export function parseEndpoint(text: string, upgradeHttpToGrpc: boolean): ClassifierEndpoint {
  const wanted = 'want http://HOST:PORT/v2/models/MODEL/infer or grpc://HOST:PORT/MODEL';
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error(`not a URL; ${wanted}`);
  }
  if (url.protocol === 'grpc:') {
    const model = decodeURIComponent(url.pathname.replace(/^\/|\/$/g, ''));
    if (!url.hostname || !model || model.includes('/')) throw new Error(`names no host and model; ${wanted}`);
    return { protocol: 'grpc', address: `${url.hostname}:${url.port || '8001'}`, model };
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

/** Base URL of an upstream without trailing slashes and without a trailing `/v1`: both spellings are accepted. */
export function normaliseApiBase(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error('not a URL; want https://HOST or https://HOST/v1');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Error(`protocol ${url.protocol.replace(':', '')} is not http or https`);
  }
  if (url.username || url.password) throw new Error('holds a user or password; put the key into api_key');
  if (url.search || url.hash) throw new Error('must not have a query or fragment');
  return `${url.origin}${url.pathname}`.replace(/(?<!\/)\/+$/, '').replace(/\/v1$/, '');
}

/** Whether a base URL already holds the `/v1` that {@link normaliseApiBase} takes off. */
export const hasV1 = (text: string) => /\/v1\/*$/.test(text);
