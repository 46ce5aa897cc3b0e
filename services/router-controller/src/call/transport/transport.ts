/** One connection pool per upstream, and what the openai SDK would send there. */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Target } from '../../config/types.ts';
import { keepOnly, targetKey } from '../health/target-key.ts';
import { connect, type TransportLimits } from './dispatcher.ts';
import { Exchange } from './exchange.ts';
import { isUnaskedContinue, NodeClient } from './fetch-node.ts';
import { proxyFor } from './proxy.ts';
import { accepts, Recipe, USER_AGENT } from './recipe.ts';
import { unpacked, unpackedStream } from './unpack.ts';
import { bodyOf, type StreamedAnswer, type UpstreamAnswer } from './upstream-answer.ts';
import { upstreamUrl } from './upstream-url.ts';

interface Line {
  readonly agent: Dispatcher;
  /** Takes the agent's place for an upstream whose answers it can't read. */
  node: NodeClient | null;
  /** `performance.now()` when it was made. */
  readonly since: number;
}

export interface SendOptions {
  /** Route as OpenAI has it, such as /v1/chat/completions. */
  readonly path: string;
  /** The client's query, with its question mark, or empty. */
  readonly search: string;
  /** Serialised JSON. */
  readonly body: Buffer;
  readonly stream: boolean;
  /** Of the client's headers, those that go upstream. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface PassOptions {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | Readable | null;
  readonly signal: AbortSignal;
}

/** The target's key in the header that it wants it in. */
function ownKey({ apiKey, keyHeader }: Target): Record<string, string> {
  if (apiKey === null) return {};
  return keyHeader === 'authorization'
    ? { authorization: `Bearer ${apiKey.reveal()}` }
    : { [keyHeader]: apiKey.reveal() };
}

export class Transport {
  readonly #limits: TransportLimits;
  readonly #lines = new Map<string, Line>();
  /** Lines that have grown old: they end with their last call. */
  readonly #old = new Set<Dispatcher>();
  /** By the target as it is now: a reload brings new ones. */
  readonly #recipes = new WeakMap<Target, Recipe>();

  constructor(limits: TransportLimits) {
    this.#limits = limits;
  }

  #line(target: Target): Line {
    const key = targetKey(target);
    let line = this.#lines.get(key);
    if (line && performance.now() - line.since > this.#limits.connectionMaxAgeMs) {
      this.#retire(line);
      const { node } = line;
      line = this.#connect(target);
      // What was learned of the upstream stays true.
      if (node) line.node = new NodeClient(target, this.#limits);
      this.#lines.set(key, line);
    }
    if (!line) {
      line = this.#connect(target);
      this.#lines.set(key, line);
    }
    return line;
  }

  #retire({ agent, node }: Line): void {
    node?.retire();
    this.#old.add(agent);
    void agent.close().finally(() => this.#old.delete(agent));
  }

  #connect(target: Target): Line {
    return { agent: connect(target, this.#limits), node: null, since: performance.now() };
  }

  async #recipe(target: Target): Promise<Recipe> {
    const recipe = await Recipe.of(target);
    this.#recipes.set(target, recipe);
    return recipe;
  }

  /** Asks the SDK ahead of the first request, which has its time limits. */
  prepare(targets: Iterable<Target>): void {
    // What fails here fails each of the target's requests, and is told there.
    for (const target of targets) if (!this.#recipes.has(target)) this.#recipe(target).catch(() => {});
  }

  /** Sends and resolves with status and headers; the body is unread, and unpacked as it is. Rejects with undici's errors. */
  async send(target: Target, options: SendOptions): Promise<UpstreamAnswer> {
    const recipe = this.#recipes.get(target) ?? (await this.#recipe(target));
    const line = this.#line(target);
    try {
      return await this.#post(line, recipe, options);
    } catch (error) {
      // A proxy's connections are undici's own.
      if (!isUnaskedContinue(error) || line.node || proxyFor(target) !== null) throw error;
      line.node = new NodeClient(target, this.#limits);
      return this.#post(line, recipe, options);
    }
  }

  async #post(
    { agent, node }: Line,
    recipe: Recipe,
    { path, search, stream, headers: more, body, signal }: SendOptions,
  ): Promise<UpstreamAnswer> {
    const place = recipe.place(path, search);
    const headers = recipe.headers(stream, more);
    const answer = node
      ? node.request({ url: place.url, method: 'POST', headers, body, signal })
      : Exchange.send(
          agent,
          { origin: place.origin, path: place.path, method: 'POST', headers, body },
          signal,
        );
    return unpacked(await answer);
  }

  /** Sends a request that is passed on as it came, on the target's own connections. */
  async pass(target: Target, options: PassOptions): Promise<StreamedAnswer> {
    const { agent } = this.#line(target);
    const { origin, pathname, search } = new URL(upstreamUrl(target, options.path, options.search));
    const answer = await agent.request({
      origin,
      path: pathname + search,
      method: options.method as Dispatcher.HttpMethod,
      headers: {
        'accept-encoding': 'identity',
        'user-agent': USER_AGENT,
        ...ownKey(target),
        ...options.headers,
      },
      body: options.body,
      signal: options.signal,
    });
    return unpackedStream({ status: answer.statusCode, headers: answer.headers, body: answer.body });
  }

  /** Asks once more for an answer that is pending, with the target's key. */
  async poll(target: Target, url: string, stream: boolean, signal: AbortSignal): Promise<UpstreamAnswer> {
    const { agent } = this.#line(target);
    const { origin, pathname, search } = new URL(url);
    const answer = await agent.request({
      origin,
      path: pathname + search,
      method: 'GET',
      headers: {
        accept: accepts(stream),
        'accept-encoding': 'identity',
        'user-agent': USER_AGENT,
        ...ownKey(target),
        ...target.headers,
      },
      signal,
    });
    return unpacked({ status: answer.statusCode, headers: answer.headers, body: bodyOf(answer.body) });
  }

  /** Forgets the pools of targets that have left the table; their open calls end in peace. */
  keep(targets: Iterable<Target>): void {
    for (const line of keepOnly(this.#lines, targets)) this.#retire(line);
  }

  async close(): Promise<void> {
    const lines = [...this.#lines.values()];
    this.#lines.clear();
    for (const { node } of lines) node?.close();
    await Promise.all([...lines.map(({ agent }) => agent), ...this.#old].map((agent) => agent.destroy()));
  }
}
