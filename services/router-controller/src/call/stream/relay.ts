/** Sends an answer to the client as it came: status, useful headers, bytes unchanged. */
import { type AnswerReader, type EventKind, parseJson, type SseEvent } from '../../dialects/index.ts';
import { RouterError } from '../../errors.ts';
import type { Uncounted, Usage } from '../../request.ts';
import type { Answer } from '../attempts/attempt.ts';
import { AttemptTimeout, describeError } from '../attempts/outcome.ts';
import type { AnswerSeal } from '../response-ids.ts';
import { responseHeaders, STREAM_HEADERS } from '../transport/headers.ts';
import { ENOUGH, flowOf, type Take } from '../transport/upstream-answer.ts';
import { believe, usageOf } from '../usage.ts';
import { type ClientResponse, writeTo } from './client-response.ts';
import { isEventStream, type OpenBody, type StreamStart, type WholeBody } from './opening.ts';

export interface RelayResult {
  /** As the upstream reported it; null: it did not, or is not believed. */
  readonly usage: Usage | null;
  /** Why its report is not believed; null: it is, or there is none. */
  readonly doubt: string | null;
  readonly incomplete: boolean;
  readonly contentEvents: number;
  /** What went out to the client, as far as it was looked into. */
  readonly written: Uncounted;
  /** Why the answer has no natural end. */
  readonly problem: string | null;
  /** The client has all; resolves when the upstream is done too, or is not waited for any more. */
  readonly ends?: Promise<void>;
}

export interface RelayOptions {
  readonly answers: AnswerReader;
  /** Hide usage, because the router asked for it and the client did not. */
  readonly hideUsage: boolean;
  /** A report of more tokens than this is not believed. */
  readonly usageCeiling: number;
  /** Changes ids in an event or in a whole body. */
  readonly seal?: AnswerSeal | null;
  /** The router's own headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted when the client has left, or, with a RouterError as its reason, when the router gives up. */
  readonly signal: AbortSignal;
}

export const NOTHING: RelayResult = {
  usage: null,
  doubt: null,
  incomplete: false,
  contentEvents: 0,
  written: { texts: [], bytes: 0 },
  problem: null,
};

export async function relay(
  client: ClientResponse,
  answer: Answer,
  options: RelayOptions,
): Promise<RelayResult> {
  const { opening } = answer;
  if (opening.kind === 'stream') return relayStream(client, answer, opening, options);
  if (client.headersSent) return relayInStream(client, opening, options);
  if (opening.kind === 'whole') return relayWhole(client, answer, opening, options);
  return relayOpen(client, answer, opening, options);
}

/** Headers of a stream have gone out, and the upstream's answer is none: where it was held, it can be told as one. */
async function relayInStream(
  client: ClientResponse,
  opening: WholeBody | OpenBody,
  options: RelayOptions,
): Promise<RelayResult> {
  const { answers, hideUsage } = options;
  if (opening.kind === 'whole') {
    client.end(sealed(answers.asEvents(opening.body, hideUsage), opening.body, options));
    return wholeResult(opening, options);
  }
  const problem = 'the upstream answered a request for a stream without one';
  const error = new RouterError('upstream_error', `The answer broke off: ${problem}`);
  await writeTo(client, answers.errorEvent(error.toBody()));
  client.end();
  return { ...NOTHING, incomplete: true, problem };
}

export function wholeResult(
  { verdict }: WholeBody,
  { usageCeiling }: Pick<RelayOptions, 'usageCeiling'>,
): RelayResult {
  const told = believe(usageOf(verdict), usageCeiling);
  const written = told.usage ? NOTHING.written : verdict.written();
  return { ...NOTHING, ...told, contentEvents: 1, written };
}

const sealed = (bytes: Buffer, body: Buffer, { seal }: RelayOptions): Buffer =>
  seal ? seal.seal(bytes, () => parseJson(body.toString('utf8'))) : bytes;

function relayWhole(
  client: ClientResponse,
  { response }: Answer,
  opening: WholeBody,
  options: RelayOptions,
): RelayResult {
  const body = sealed(opening.body, opening.body, options);
  client.writeHead(response.status, {
    ...responseHeaders(response.headers, false),
    ...options.headers,
    'content-length': body.length,
  });
  client.end(body);
  return wholeResult(opening, options);
}

async function relayOpen(
  client: ClientResponse,
  { response, chunks }: Answer,
  { begun }: OpenBody,
  options: RelayOptions,
): Promise<RelayResult> {
  client.writeHead(response.status, {
    ...responseHeaders(response.headers, true),
    ...(isEventStream(response.headers) && STREAM_HEADERS),
    ...options.headers,
  });
  let size = 0;
  const pass = (chunk: Buffer) => {
    size += chunk.length;
    return writeTo(client, chunk);
  };
  try {
    for (const chunk of begun) await pass(chunk);
    await flowOf(chunks, (chunk) => {
      if (options.signal.aborted) throw options.signal.reason;
      return pass(chunk);
    });
    client.end();
    return { ...NOTHING, contentEvents: 1, written: { texts: [], bytes: size } };
  } catch (error) {
    // Half a body can't be told apart from a whole one but by the connection: cut it, as the upstream did.
    client.destroy();
    return {
      ...NOTHING,
      incomplete: true,
      contentEvents: 1,
      written: { texts: [], bytes: size },
      problem: describeError(error),
    };
  }
}

async function relayStream(
  client: ClientResponse,
  { response, chunks, finish }: Answer,
  { splitter, reader, held, ended }: StreamStart,
  options: RelayOptions,
): Promise<RelayResult> {
  if (!client.headersSent) {
    client.writeHead(response.status, {
      ...responseHeaders(response.headers, false),
      ...(!isEventStream(response.headers) && { 'content-type': 'text/event-stream; charset=utf-8' }),
      ...STREAM_HEADERS,
      ...options.headers,
    });
  }
  const { answers, hideUsage, seal } = options;
  const bytesOf = (event: SseEvent, kind: EventKind): Buffer | null => {
    const bytes = hideUsage && reader.withoutUsage ? reader.withoutUsage(event, kind) : event.bytes;
    return bytes && seal && event.data !== null ? seal.seal(bytes, () => parseJson(event.data!)) : bytes;
  };
  // Some upstreams keep the connection open after the stream's last word; nobody has to wait for that.
  let over = held.some(({ kind }) => kind === 'done');
  const pass = (event: SseEvent): Buffer | null => {
    const kind = reader.read(event);
    over ||= kind === 'done';
    return bytesOf(event, kind);
  };
  const send = (given: readonly (Buffer | null)[]): Promise<void> | null => {
    const parts = given.filter((bytes) => bytes !== null);
    if (parts.length === 0) return null;
    return writeTo(client, parts.length === 1 ? parts[0]! : Buffer.concat(parts));
  };
  const passAll = (events: readonly SseEvent[]): Promise<void> | null => {
    if (events.length !== 1) return send(events.map(pass));
    const bytes = pass(events[0]!);
    return bytes && writeTo(client, bytes);
  };

  const take: Take = (chunk) => {
    if (options.signal.aborted) throw options.signal.reason;
    const slow = passAll(splitter.push(chunk));
    return over ? ENOUGH : slow;
  };

  let broken: unknown = null;
  try {
    await send(held.map(({ event, kind }) => bytesOf(event, kind)));
    const whole = !ended && !over && (await flowOf(chunks, take));
    if (whole && options.signal.aborted) throw options.signal.reason;
    const rest = whole ? splitter.end() : null;
    if (rest) {
      // Half an event at the end of a stream that is not finished would only spoil the error event after it.
      const bytes = pass(rest);
      if (bytes && (reader.complete || reader.error !== null)) await send([bytes]);
    }
  } catch (error) {
    broken = options.signal.aborted ? options.signal.reason : error;
  }
  const told = believe(usageOf(reader), options.usageCeiling);
  const result = {
    ...told,
    incomplete: !reader.complete,
    contentEvents: reader.contentEvents,
    written: told.usage ? NOTHING.written : reader.written.read(),
  };
  if (reader.complete || client.destroyed) {
    client.end();
    return { ...result, problem: null, ...(over && broken === null && { ends: finish() }) };
  }
  if (reader.error !== null) {
    client.end();
    return { ...result, problem: `the upstream ended it with an error: ${reader.error}` };
  }
  const error = endError(broken);
  // The part of a very long event that has gone out is closed, so that the error event stands on its own.
  if (splitter.brokenOff) await writeTo(client, Buffer.from('\n\n'));
  await writeTo(client, answers.errorEvent(error.toBody()));
  client.end();
  return { ...result, problem: error.message };
}

/** Why a stream has no natural end, in the words that the client gets. */
export function endError(broken: unknown): RouterError {
  if (broken instanceof RouterError) return broken;
  if (broken === null)
    return new RouterError(
      'upstream_error',
      'The answer broke off: the upstream ended the stream without finishing it',
    );
  const code = broken instanceof AttemptTimeout ? 'upstream_timeout' : 'upstream_error';
  return new RouterError(code, `The answer broke off: ${describeError(broken)}`);
}
