/**
 * How a target is to be asked: the headers that the openai SDK would send. It is asked once a target, and its way is left out of
 * every request's, which it would cost a tenth of all that the router does. What it sends hangs on nothing else
 * (recipe.test.ts holds both equal).
 */
import OpenAI, { type ClientOptions } from 'openai';
import type { Target } from '../../config/types.ts';
import { VERSION } from '../../version.ts';
import { upstreamUrl } from './upstream-url.ts';

/** Firewalls refuse requests that name nobody. */
export const USER_AGENT = `llm-router/${VERSION}`;
/** The SDK's own timer is out of the way: the longest that a timer can be set to. */
const NEVER_MS = 2 ** 31 - 1;

export const accepts = (stream: boolean) => (stream ? 'text/event-stream' : 'application/json');

/** Headers the SDK adds of itself that no upstream needs; some gateways refuse requests that carry them. */
const FINGERPRINT = /^(?:x-stainless-.+|content-length|host)$/;
const SDK_AGENT = /^OpenAI\/JS /;

/** What the SDK's own `Authorization: Bearer` becomes; null takes it out. */
function keyHeaders({ apiKey, keyHeader }: Target): Record<string, string | null> {
  if (apiKey === null) return { authorization: null };
  return keyHeader === 'authorization' ? {} : { authorization: null, [keyHeader]: apiKey.reveal() };
}

/** What the SDK gives its `fetch` for a call with these headers between the router's and the target's own. */
export async function askSdk(
  target: Target,
  stream: boolean,
  between: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const seen: Headers[] = [];
  const fetch = async (_url: string, init: { headers?: ConstructorParameters<typeof Headers>[0] }) => {
    seen.push(new Headers(init.headers));
    return { ok: true, status: 200, headers: new Headers(), body: null, url: '' };
  };
  const sdk = new OpenAI({
    baseURL: target.apiBase,
    apiKey: target.apiKey?.reveal() ?? 'none',
    organization: null,
    project: null,
    maxRetries: 0,
    timeout: NEVER_MS,
    logLevel: 'off',
    fetch: fetch as unknown as NonNullable<ClientOptions['fetch']>,
  });
  await sdk
    .post(upstreamUrl(target, '/v1/chat/completions'), {
      body: {},
      headers: {
        'content-type': 'application/json',
        accept: accepts(stream),
        'user-agent': USER_AGENT,
        ...keyHeaders(target),
        ...between,
        ...target.headers,
      },
    })
    .asResponse();
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  for (const [name, value] of seen[0] ?? [])
    if (!FINGERPRINT.test(name) && !(name === 'user-agent' && SDK_AGENT.test(value))) headers[name] = value;
  return headers;
}

export interface Place {
  readonly origin: string;
  /** With its query. */
  readonly path: string;
  readonly url: string;
}

/** Places that are kept; a client's query may be anything. */
const MOST_PLACES = 32;

export class Recipe {
  readonly #target: Target;
  readonly #plain: Readonly<Record<string, string>>;
  readonly #stream: Readonly<Record<string, string>>;
  /** Names that the target sets itself, whatever a request says. */
  readonly #own: ReadonlySet<string>;
  readonly #places = new Map<string, Place>();

  private constructor(target: Target, plain: Record<string, string>, stream: Record<string, string>) {
    this.#target = target;
    this.#plain = plain;
    this.#stream = stream;
    this.#own = new Set(Object.keys(target.headers).map((name) => name.toLowerCase()));
  }

  static async of(target: Target): Promise<Recipe> {
    return new Recipe(target, await askSdk(target, false), await askSdk(target, true));
  }

  /** @param more of this request; the target's own hold against them. */
  headers(stream: boolean, more: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const base = stream ? this.#stream : this.#plain;
    let merged: Record<string, string> | null = null;
    for (const given in more) {
      const name = given.toLowerCase();
      if (this.#own.has(name) || FINGERPRINT.test(name)) continue;
      merged ??= { ...base };
      merged[name] = more[given]!.trim();
    }
    return merged ?? base;
  }

  /** @param path route as OpenAI has it. @param search the client's query, with its question mark, or empty */
  place(path: string, search: string): Place {
    const known = search === '' ? this.#places.get(path) : undefined;
    if (known) return known;
    const url = new URL(upstreamUrl(this.#target, path, search));
    const place = { origin: url.origin, path: url.pathname + url.search, url: url.href };
    if (search === '' && this.#places.size < MOST_PLACES) this.#places.set(path, place);
    return place;
  }
}
