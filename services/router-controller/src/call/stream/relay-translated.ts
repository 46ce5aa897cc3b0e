/** Sends a chat answer to a client that speaks another API. */
import { parseJson, type SseEvent, type Translation } from '../../dialects/index.ts';
import type { Answer } from '../attempts/attempt.ts';
import { responseHeaders, STREAM_HEADERS } from '../transport/headers.ts';
import { ENOUGH, flowOf, type Take } from '../transport/upstream-answer.ts';
import { believe, usageOf } from '../usage.ts';
import { type ClientResponse, writeTo } from './client-response.ts';
import type { StreamStart, WholeBody } from './opening.ts';
import { endError, NOTHING, type RelayOptions, type RelayResult, wholeResult } from './relay.ts';

const EVENTS = { 'content-type': 'text/event-stream; charset=utf-8', ...STREAM_HEADERS };

export type TranslatedOptions = Omit<RelayOptions, 'hideUsage' | 'answers'> & {
  readonly translation: Translation;
  /** The client asked for a stream. */
  readonly stream: boolean;
};

/** The opening is never `open`: what can't be held can't be translated, and has failed before. */
export async function relayTranslated(
  client: ClientResponse,
  answer: Answer,
  options: TranslatedOptions,
): Promise<RelayResult> {
  const { opening } = answer;
  if (opening.kind === 'stream') return relayStream(client, answer, opening, options);
  if (opening.kind === 'open') throw new Error('an answer that is not held can’t be translated');
  return relayWhole(client, answer, opening, options);
}

function relayWhole(
  client: ClientResponse,
  { response }: Answer,
  opening: WholeBody,
  options: TranslatedOptions,
): RelayResult {
  const { translation, stream, headers } = options;
  const text = opening.body.toString('utf8');
  const common = { ...responseHeaders(response.headers, false), ...headers };
  if (stream) {
    const translator = translation.answers.stream();
    if (!client.headersSent) client.writeHead(200, { ...common, ...EVENTS });
    client.end(Buffer.from(translator.push(text) + translator.end()));
    return wholeResult(opening, options);
  }
  const body = Buffer.from(JSON.stringify(translation.answers.whole(parseJson(text))));
  client.writeHead(200, {
    ...common,
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
  });
  client.end(body);
  return wholeResult(opening, options);
}

async function relayStream(
  client: ClientResponse,
  { response, chunks, finish }: Answer,
  { splitter, reader, held, ended }: StreamStart,
  options: TranslatedOptions,
): Promise<RelayResult> {
  const { translation, headers, signal } = options;
  if (!client.headersSent)
    client.writeHead(200, { ...responseHeaders(response.headers, false), ...headers, ...EVENTS });
  const translator = translation.answers.stream();
  let over = false;
  let tooLong = false;
  /** What the event is to the client; comments keep the connection awake in any API. */
  const said = (event: SseEvent): string => {
    if (event.piece) tooLong = true;
    if (event.data === null || tooLong)
      return event.name === null && !event.piece ? event.bytes.toString('utf8') : '';
    return translator.push(event.data);
  };
  const send = (text: string): Promise<void> | null =>
    text === '' ? null : writeTo(client, Buffer.from(text));
  const tell = (event: SseEvent): string => {
    if (over || reader.error !== null) return '';
    const kind = reader.read(event);
    over ||= kind === 'done';
    return kind === 'error' ? '' : said(event);
  };

  const isOver = () => over || tooLong || reader.error !== null;
  const take: Take = (chunk) => {
    if (signal.aborted) throw signal.reason;
    const slow = send(splitter.push(chunk).map(tell).join(''));
    return isOver() ? ENOUGH : slow;
  };

  let broken: unknown = null;
  try {
    over = held.some(({ kind }) => kind === 'done');
    await send(held.map(({ event, kind }) => (kind === 'error' ? '' : said(event))).join(''));
    const whole = !ended && !isOver() && (await flowOf(chunks, take));
    if (whole && signal.aborted) throw signal.reason;
    const rest = whole ? splitter.end() : null;
    if (rest) await send(tell(rest));
  } catch (error) {
    broken = signal.aborted ? signal.reason : error;
  }
  const told = believe(usageOf(reader), options.usageCeiling);
  const complete = reader.complete && !tooLong;
  const result = {
    ...told,
    incomplete: !complete,
    contentEvents: reader.contentEvents,
    written: told.usage ? NOTHING.written : reader.written.read(),
  };
  if (client.destroyed) {
    client.end();
    return { ...result, problem: null };
  }
  if (complete) {
    await send(translator.end());
    client.end();
    return { ...result, problem: null, ...(over && broken === null && { ends: finish() }) };
  }
  if (reader.error !== null) {
    const message = reader.error;
    await send(translator.fail({ message, type: 'server_error', code: 'upstream_error' }));
    client.end();
    return { ...result, problem: `the upstream ended it with an error: ${message}` };
  }
  const error = endError(tooLong ? new Error('an event is too long to be translated') : broken);
  await send(translator.fail(error.toBody().error));
  client.end();
  return { ...result, problem: error.message };
}
