/** Sends one request and tells how it went. */
import { Pool } from 'undici';
import { errorText, noRouter, notReached, sentOn } from '../../process/src/refused.ts';
import { errorCode, isCompletion, parseJson, StreamReader, type Tokens, tokensOf } from './answer.ts';
import type { Ask } from './mixes.ts';
import type { Options } from './options.ts';
import { ownLookup } from './target.ts';

const CONNECT_MS = 10_000;

/** One request's end. Times count from when it was intended to begin. */
export interface Sample {
  readonly status: number | null;
  readonly label: string | null;
  readonly model: string | null;
  readonly latencyMs: number;
  /** To the first event with content; null: not streamed, or none came. */
  readonly ttftMs: number | null;
  readonly tokens: Tokens | null;
  /** Null: a whole answer. */
  readonly error: string | null;
  /** Where nothing of an answer came: what was wrong, where, and what would be right. Null: something came. */
  readonly said: string | null;
  /** Cut short because the run was stopped: neither an answer nor a failure. */
  readonly isUnfinished: boolean;
}

export interface Sender {
  /** Never rejects. */
  readonly send: (ask: Ask, streamed: boolean, intendedAt: number) => Promise<Sample>;
  readonly close: () => Promise<void>;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

const told = (headers: Headers, name: string): string | null => {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
};

/** Names a failure without an answer. */
function failureOf(error: unknown): string {
  const { code, name, cause } = error as { code?: string; name?: string; cause?: { code?: string } };
  if (name === 'TimeoutError') return 'timeout';
  return code ?? cause?.code ?? name ?? 'unknown';
}

/** @param stop aborted when the run ends early */
export function createSender(options: Options, stop: AbortSignal): Sender {
  const { origin, pathname } = new URL(options.url);
  const pool = new Pool(origin, {
    connections: options.concurrencyLimit,
    // The time of a whole answer is bounded below.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_MS, ...(!options.ownsTarget && { lookup: ownLookup }) },
  });
  const path = `${pathname.replace(/\/+$/, '')}/v1/chat/completions`;
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'llm-router-load-generator',
    ...(options.key !== null && { authorization: `Bearer ${options.key}` }),
  };

  async function send(ask: Ask, streamed: boolean, intendedAt: number): Promise<Sample> {
    let status: number | null = null;
    let answered: Headers = {};
    let ttftMs: number | null = null;
    const since = () => performance.now() - intendedAt;
    const end = (
      error: string | null,
      { tokens = null, said = null }: { tokens?: Tokens | null; said?: string | null } = {},
    ): Sample => ({
      status,
      label: told(answered, 'x-llm-router-label'),
      model: told(answered, 'x-llm-router-model'),
      latencyMs: since(),
      ttftMs,
      tokens,
      error,
      said,
      isUnfinished: stop.aborted && error !== null,
    });
    try {
      const response = await pool.request({
        path,
        method: 'POST',
        headers,
        body: JSON.stringify({
          model: options.policy ?? 'auto',
          ...ask,
          max_tokens: options.maxTokens,
          ...(streamed && { stream: true, stream_options: { include_usage: true } }),
        }),
        signal: AbortSignal.any([stop, AbortSignal.timeout(options.timeoutMs)]),
      });
      status = response.statusCode;
      answered = response.headers;
      if (!/^text\/event-stream/i.test(told(answered, 'content-type') ?? '')) {
        const text = await response.body.text();
        const body = parseJson(text);
        if (status >= 400) return end(`${status} ${errorCode(body)}`, { said: errorText(status, text) });
        if (status >= 300)
          return end(`${status} redirect`, { said: sentOn(options.url, status, told(answered, 'location')) });
        if (isCompletion(body)) return end(null, { tokens: tokensOf(body) });
        return end(body ? 'no completion' : 'not JSON', {
          said: noRouter(options.url, told(answered, 'content-type'), text),
        });
      }
      const reader = new StreamReader(() => {
        ttftMs = since();
      });
      for await (const chunk of response.body) reader.take(chunk as Uint8Array);
      return end(reader.error ?? (reader.isDone ? null : 'ended early'), { tokens: reader.tokens });
    } catch (error) {
      const failure = failureOf(error);
      // An answer that takes long is no wrong address.
      const isOnTheWay = status === null && failure !== 'timeout';
      return end(failure, { said: isOnTheWay ? notReached(error, options.url) : null });
    }
  }

  return { send, close: () => pool.destroy() };
}
