/**
 * The `fetch` that the openai SDK is given: undici without web streams, which cost more CPU than the rest of the call
 * (an SDK call over Node's own fetch takes about 2.5 times as much).
 */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { NodeClient } from './fetch-node.ts';
import type { HeaderBag } from './headers.ts';

/** The upstream's answer, body unread. */
export interface UpstreamResponse {
  readonly status: number;
  readonly headers: HeaderBag;
  readonly body: Readable;
}

/** Headers the SDK adds of itself that no upstream needs; some gateways refuse requests that carry them. */
const FINGERPRINT = /^(?:x-stainless-.+|content-length|host)$/;
const SDK_AGENT = /^OpenAI\/JS /;

/** A minimal Response. `ok` is always true: the SDK would read and throw away the body of an error we relay. */
export class RawResponse {
  readonly ok = true;
  readonly status: number;
  readonly headers: Headers;
  readonly body = null;
  readonly url: string;
  readonly upstream: UpstreamResponse;

  constructor(url: string, upstream: UpstreamResponse) {
    this.url = url;
    this.upstream = upstream;
    this.status = upstream.status;
    this.headers = new Headers();
  }
}

interface FetchInit {
  readonly method?: string;
  readonly headers?: ConstructorParameters<typeof Headers>[0];
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/**
 * @param dispatcher the target's own pool, with its connect timeout and limits.
 * @param other takes its place once it is given.
 */
export function createFetch(dispatcher: Dispatcher, other: () => NodeClient | null) {
  return async (url: string | URL, init: FetchInit = {}): Promise<RawResponse> => {
    const { origin, pathname, search } = new URL(url);
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    for (const [name, value] of new Headers(init.headers)) {
      if (FINGERPRINT.test(name) || (name === 'user-agent' && SDK_AGENT.test(value))) continue;
      headers[name] = value;
    }
    const method = init.method ?? 'GET';
    const node = other();
    if (node) {
      const body = (init.body ?? null) as Buffer | null;
      const signal = init.signal ?? null;
      return new RawResponse(
        String(url),
        await node.request({ url: String(url), method, headers, body, signal }),
      );
    }
    const answer = await dispatcher.request({
      origin,
      path: pathname + search,
      method: method as Dispatcher.HttpMethod,
      headers,
      body: (init.body ?? null) as string | Buffer | null,
      signal: init.signal ?? null,
    });
    return new RawResponse(String(url), {
      status: answer.statusCode,
      headers: answer.headers,
      body: answer.body,
    });
  };
}
