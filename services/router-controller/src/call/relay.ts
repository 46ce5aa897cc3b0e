/** Sends an answer to the client as it came: status, useful headers, bytes unchanged. */
import { RouterError } from '../errors.ts';
import type { Usage } from '../request.ts';
import type { Answer } from './attempt.ts';
import { type ClientResponse, writeTo } from './client-response.ts';
import { responseHeaders, STREAM_HEADERS } from './headers.ts';
import { AttemptTimeout, rootCause } from './outcome.ts';
import type { SseEvent } from './sse.ts';
import { usageOf } from './usage.ts';

export interface RelayResult {
  readonly usage: Usage | null;
  readonly incomplete: boolean;
  readonly contentEvents: number;
  readonly contentChars: number;
  /** Why the stream has no natural end. */
  readonly problem: string | null;
}

export interface RelayOptions {
  /** Hide the usage-only chunk, because the router asked for it and the client did not. */
  readonly hideUsage: boolean;
  /** The router's own headers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** The event that ends a broken stream honestly: an OpenAI error object, and no `[DONE]` after it. */
export function errorEvent(error: RouterError): Buffer {
  return Buffer.from(`data: ${JSON.stringify(error.toBody())}\n\n`);
}

export async function relay(
  client: ClientResponse,
  answer: Answer,
  options: RelayOptions,
): Promise<RelayResult> {
  return answer.stream ? relayStream(client, answer, options) : relayBody(client, answer, options);
}

async function relayBody(
  client: ClientResponse,
  answer: Answer,
  options: RelayOptions,
): Promise<RelayResult> {
  const { response, body, begun, chunks } = answer;
  const headers = { ...responseHeaders(response.headers, true), ...options.headers };
  const result = { incomplete: false, contentEvents: 0, contentChars: 0, problem: null };
  if (body) {
    if (!client.headersSent) client.writeHead(response.status, { ...headers, 'content-length': body.length });
    client.end(body);
    const isJson = !response.headers['content-encoding'];
    return { ...result, usage: isJson ? usageOf(parseJson(body)) : null };
  }
  if (!client.headersSent) client.writeHead(response.status, headers);
  try {
    for (const chunk of begun) await writeTo(client, chunk);
    for (;;) {
      const { value, done } = await chunks.next();
      if (done || options.signal.aborted) break;
      await writeTo(client, value);
    }
    client.end();
    return { ...result, usage: null };
  } catch (error) {
    // Half a JSON body can't be told apart from a whole one but by the connection: cut it, as the upstream did.
    client.destroy();
    return { ...result, usage: null, incomplete: true, problem: rootCause(error).message };
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}

async function relayStream(
  client: ClientResponse,
  answer: Answer,
  options: RelayOptions,
): Promise<RelayResult> {
  const { response, chunks } = answer;
  const { splitter, reader, held, ended } = answer.stream!;
  if (!client.headersSent) {
    client.writeHead(response.status, {
      ...responseHeaders(response.headers, false),
      ...STREAM_HEADERS,
      ...options.headers,
    });
  }
  const send = async (events: readonly { event: SseEvent; hidden: boolean }[]) => {
    const parts = events.filter(({ hidden }) => !hidden).map(({ event }) => event.bytes);
    if (parts.length === 1) await writeTo(client, parts[0]!);
    else if (parts.length > 1) await writeTo(client, Buffer.concat(parts));
  };
  const look = (event: SseEvent) => {
    const kind = reader.read(event);
    return { event, hidden: kind === 'usage' && options.hideUsage };
  };
  let problem: string | null = null;
  let timedOut = false;
  try {
    // Held events were read when they came; only their kind is asked again.
    await send(held.map((event) => ({ event, hidden: options.hideUsage && isUsageOnly(event) })));
    while (!ended) {
      const { value, done } = await chunks.next();
      if (options.signal.aborted || client.destroyed) break;
      if (done) {
        const rest = splitter.end();
        if (rest) await send([look(rest)]);
        break;
      }
      await send(splitter.push(value).map(look));
    }
    if (!reader.complete) problem = 'the upstream ended the stream without finishing it';
  } catch (error) {
    problem = rootCause(error).message;
    timedOut = error instanceof AttemptTimeout;
    const rest = splitter.end();
    // A half event that came before the break is passed on closed, so that the error event stands on its own.
    if (rest && !options.signal.aborted)
      await send([
        { event: { ...rest, bytes: Buffer.concat([rest.bytes, Buffer.from('\n\n')]) }, hidden: false },
      ]);
  }
  const incomplete = !reader.complete;
  if (incomplete && !reader.sawError && !client.destroyed && !options.signal.aborted) {
    const code = timedOut ? 'upstream_timeout' : 'upstream_error';
    await writeTo(client, errorEvent(new RouterError(code, `The answer broke off: ${problem}`)));
  }
  client.end();
  return {
    usage: reader.usage,
    incomplete,
    contentEvents: reader.contentEvents,
    contentChars: reader.contentChars,
    problem,
  };
}

function isUsageOnly({ data }: SseEvent): boolean {
  if (data === null || !data.includes('"usage"')) return false;
  try {
    const event = JSON.parse(data) as { usage?: unknown; choices?: unknown[] };
    return Boolean(event.usage) && Array.isArray(event.choices) && event.choices.length === 0;
  } catch {
    return false;
  }
}
