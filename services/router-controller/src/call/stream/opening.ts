/** Reads an answer's beginning: as far as is needed to know whether it may go out. */
import type { HeaderBag } from '../transport/headers.ts';
import { type SseEvent, SseSplitter } from './sse.ts';
import { errorText, StreamReader } from './stream-reader.ts';

/** Opening events held back while waiting for the first content, bytes. */
const HELD_OPENING_BYTES = 256 * 1024;

/** An event stream up to its first content. */
export interface StreamStart {
  readonly kind: 'stream';
  readonly splitter: SseSplitter;
  readonly reader: StreamReader;
  /** Events read so far, not yet sent; `hidden` ones are usage alone. */
  readonly held: readonly { readonly event: SseEvent; readonly usageOnly: boolean }[];
  /** True when the upstream ended while events were held. */
  readonly ended: boolean;
}

/** A plain answer, held whole. */
export interface WholeBody {
  readonly kind: 'whole';
  readonly body: Buffer;
  /** Parsed, where it is JSON. */
  readonly json: unknown;
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

const broken = (outcome: Broken['outcome'], message: string): Broken => ({
  kind: 'broken',
  outcome,
  message,
});

const typeOf = (headers: HeaderBag) => String(headers['content-type'] ?? '').toLowerCase();

export const isCompressed = (headers: HeaderBag) =>
  !['', 'identity'].includes(String(headers['content-encoding'] ?? '').toLowerCase());

export const isEventStream = (headers: HeaderBag) => typeOf(headers).includes('text/event-stream');

const saysJson = (headers: HeaderBag) => /^application\/(?:[\w.+-]+\+)?json\b/.test(typeOf(headers));

/** @param limit bytes of a plain answer that may be held. */
export async function readOpening(
  headers: HeaderBag,
  chunks: AsyncIterator<Buffer>,
  limit: number,
): Promise<Opening | Broken> {
  if (isCompressed(headers)) {
    const { value, done } = await chunks.next();
    return { kind: 'open', begun: done ? [] : [value] };
  }
  if (isEventStream(headers)) return readStream(chunks);
  const { parts, whole } = await readUpTo(chunks, limit);
  if (!whole) return { kind: 'open', begun: parts };
  const body = Buffer.concat(parts);
  const json = parse(body);
  if (json === undefined && saysJson(headers))
    return broken('protocol_error', 'sent JSON that can’t be read');
  const { error, choices } = (json ?? {}) as { error?: unknown; choices?: unknown };
  if (error && choices === undefined)
    return broken('error_event', `sent an error with status 200: ${errorText({ error })}`);
  return { kind: 'whole', body, json };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Reads until the end or past the limit. */
export async function readUpTo(
  chunks: AsyncIterator<Buffer>,
  limit: number,
): Promise<{ parts: Buffer[]; whole: boolean }> {
  const parts: Buffer[] = [];
  let size = 0;
  while (size <= limit) {
    const { value, done } = await chunks.next();
    if (done) return { parts, whole: true };
    parts.push(value);
    size += value.length;
  }
  return { parts, whole: false };
}

async function readStream(chunks: AsyncIterator<Buffer>): Promise<StreamStart | Broken> {
  const splitter = new SseSplitter();
  const reader = new StreamReader();
  const held: { event: SseEvent; usageOnly: boolean }[] = [];
  let size = 0;
  let ready = false;
  for (;;) {
    const { value, done } = await chunks.next();
    const events = done ? [splitter.end()].filter((event) => event !== null) : splitter.push(value);
    for (const event of events) {
      const kind = reader.read(event);
      if (kind === 'error' && !ready)
        return broken('error_event', `began its stream with an error: ${reader.error}`);
      // A later error in the same chunk still reaches the client as it came, after the content before it.
      held.push({ event, usageOnly: kind === 'usage' });
      size += event.bytes.length;
      ready ||= kind === 'content' || kind === 'done' || size > HELD_OPENING_BYTES;
    }
    if (ready) return { kind: 'stream', splitter, reader, held, ended: done === true };
    if (done) return broken('cut', 'ended its stream before any content');
  }
}
