/** Reads an answer's beginning: as far as is needed to know whether it may go out. */
import {
  type AnswerReader,
  type EventKind,
  parseJson,
  type SseEvent,
  SseSplitter,
  type StreamReader,
  type Verdict,
} from '../../dialects/index.ts';
import type { ChatBody } from '../../request.ts';
import type { HeaderBag } from '../transport/headers.ts';

/** Opening events held back while waiting for the first content, bytes. */
const HELD_OPENING_BYTES = 256 * 1024;

/** An event and what its reader called it. */
export interface ReadEvent {
  readonly event: SseEvent;
  readonly kind: EventKind;
}

/** An event stream up to its first content. */
export interface StreamStart {
  readonly kind: 'stream';
  readonly splitter: SseSplitter;
  readonly reader: StreamReader;
  /** Events read so far, not yet sent. */
  readonly held: readonly ReadEvent[];
  /** True when the upstream ended while events were held. */
  readonly ended: boolean;
}

/** A plain answer, held whole. */
export interface WholeBody {
  readonly kind: 'whole';
  readonly body: Buffer;
  readonly verdict: Extract<Verdict, { kind: 'answer' }>;
}

/** An answer that goes out as it comes, unread: too large to hold, or compressed. */
export interface OpenBody {
  readonly kind: 'open';
  readonly begun: readonly Buffer[];
}

export type Opening = StreamStart | WholeBody | OpenBody;

/** The answer is none: what is wrong with it. */
export interface Broken {
  readonly kind: 'broken';
  readonly outcome: 'error_event' | 'cut' | 'protocol_error';
  readonly message: string;
}

/** An event that waits for the first content; a comment may go ahead of it. */
export type HeldEvent = ReadEvent;

export interface OpeningOptions {
  readonly answers: AnswerReader;
  /** The request that it answers. */
  readonly request: ChatBody;
  /** A stream was asked for. */
  readonly stream: boolean;
  /** Bytes of a plain answer that may be held. */
  readonly limit: number;
  /** The upstream is at work on a stream; what it has sent so far is held here, and may be taken out. */
  readonly onLife?: (held: HeldEvent[], headers: HeaderBag) => void;
}

const broken = (outcome: Broken['outcome'], message: string): Broken => ({
  kind: 'broken',
  outcome,
  message,
});

const typeOf = (headers: HeaderBag) => String(headers['content-type'] ?? '').toLowerCase();

/** Only real codings count: some servers write a charset there. */
export const isCompressed = (headers: HeaderBag) =>
  /\b(?:x-)?(?:gzip|deflate|br|zstd|compress)\b/i.test(String(headers['content-encoding'] ?? ''));

export const isEventStream = (headers: HeaderBag) => typeOf(headers).includes('text/event-stream');

/**
 * Whether an answer is events or a plain body is told by its bytes, whatever its type says: a stream under `text/plain` or
 * no type at all is a stream, and an error page under `text/event-stream` is none.
 */
export async function readOpening(
  headers: HeaderBag,
  chunks: AsyncIterator<Buffer>,
  options: OpeningOptions,
): Promise<Opening | Broken> {
  if (isCompressed(headers)) {
    const { value, done } = await chunks.next();
    return { kind: 'open', begun: done ? [] : [value] };
  }
  const held: HeldEvent[] = [];
  const begun: Buffer[] = [];
  let form: Form | null = null;
  while (form === null) {
    const { value, done } = await chunks.next();
    if (done) break;
    begun.push(value);
    form = formOf(begun);
  }
  if (form === 'events') {
    if (options.stream) return readStream(Buffer.concat(begun), chunks, headers, held, options);
    // Stock clients would take the events for the answer’s text. Rather another target, or a word that names it.
    return broken('protocol_error', 'answered with a stream, which the request did not ask for');
  }
  if (form === 'other')
    return broken('protocol_error', `sent no JSON but ${typeOf(headers) || 'bytes without a type'}`);
  const { parts, whole } = await readUpTo(chunks, options.limit, begun);
  if (!whole) return { kind: 'open', begun: parts };
  return judge(parts.length === 1 ? parts[0]! : Buffer.concat(parts), options);
}

/** Longest beginning that is looked at for a form, bytes; nothing but blanks may still become JSON. */
const MAX_FORM_BYTES = 4_096;
const EVENTS = /^(?:data|event|id|retry)\s?:|^:/;
const MAYBE_EVENTS = /^(?:d|da|dat|data|e|ev|eve|even|event|i|id|r|re|ret|retr|retry)\s?$/;

const BRACE = 0x7b;
const BRACKET = 0x5b;

type Form = 'events' | 'json' | 'other';

/** What the first bytes are; null: too few to tell. */
function formOf(begun: readonly Buffer[]): Form | null {
  const first = begun[0]![0];
  // Nearly always: no text has to be made of it.
  if (first === BRACE || first === BRACKET) return 'json';
  const bytes = begun.length === 1 ? begun[0]! : Buffer.concat(begun);
  const text = bytes
    .toString('utf8', 0, MAX_FORM_BYTES)
    .replace(/^\ufeff/, '')
    .trimStart();
  if (text === '') return bytes.length < MAX_FORM_BYTES ? null : 'json';
  if (text.startsWith('{') || text.startsWith('[')) return 'json';
  if (EVENTS.test(text)) return 'events';
  return MAYBE_EVENTS.test(text) ? null : 'other';
}

function judge(body: Buffer, { answers, request }: OpeningOptions): WholeBody | Broken {
  const verdict = answers.whole(parseJson(body.toString('utf8')), request);
  if (verdict.kind === 'answer') return { kind: 'whole', body, verdict };
  if (verdict.kind === 'none') return broken('protocol_error', verdict.message);
  return broken('error_event', `sent an error with status 200: ${verdict.message}`);
}

/**
 * Reads until the end or past the limit.
 *
 * @param parts what has been read already.
 */
export async function readUpTo(
  chunks: AsyncIterator<Buffer>,
  limit: number,
  parts: Buffer[] = [],
): Promise<{ parts: Buffer[]; whole: boolean }> {
  let size = parts.reduce((sum, part) => sum + part.length, 0);
  while (size <= limit) {
    const { value, done } = await chunks.next();
    if (done) return { parts, whole: true };
    parts.push(value);
    size += value.length;
  }
  return { parts, whole: false };
}

async function readStream(
  begun: Buffer,
  chunks: AsyncIterator<Buffer>,
  headers: HeaderBag,
  held: HeldEvent[],
  { answers, request, onLife }: OpeningOptions,
): Promise<StreamStart | Broken> {
  const splitter = new SseSplitter();
  const reader = answers.stream(request);
  let size = 0;
  let ready = false;
  let next: Buffer | undefined = begun;
  for (;;) {
    const { value, done }: IteratorResult<Buffer> = next ? { value: next, done: false } : await chunks.next();
    next = undefined;
    const events = done ? [splitter.end()].filter((event) => event !== null) : splitter.push(value);
    for (const event of events) {
      const kind = reader.read(event);
      if (kind === 'error' && !ready)
        return broken('error_event', `began its stream with an error: ${reader.error}`);
      // A later error in the same chunk still reaches the client as it came, after the content before it.
      held.push({ event, kind });
      size += event.bytes.length;
      ready ||= kind === 'content' || kind === 'done' || size > HELD_OPENING_BYTES;
    }
    if (ready) return { kind: 'stream', splitter, reader, held, ended: done === true };
    if (done) return broken('cut', 'ended its stream before any content');
    onLife?.(held, headers);
  }
}
