/** Splits an SSE byte stream into its events without changing a byte. */

/** One event: its bytes, blank line included, and what its lines hold. */
export interface SseEvent {
  readonly bytes: Buffer;
  /** Data lines joined by line breaks; null for comments, events without data, and pieces of oversized events. */
  readonly data: string | null;
  /** The `event:` line; null for most. */
  readonly name: string | null;
  /** A piece of an event that is too long to hold: passed on unread. */
  readonly piece: boolean;
}

/** A longer event is passed on in pieces, so that memory stays bounded. */
export const MAX_EVENT_BYTES = 1024 * 1024;

const LF = 10;
const CR = 13;
/** Byte order mark, which readers drop where a stream begins with it. */
const MARK = Buffer.from('\ufeff');

function fieldsOf(bytes: Buffer): { data: string | null; name: string | null } {
  const text = bytes.toString('utf8');
  if (!text.includes('\r')) {
    // Nearly every event is one line of data, with its name before it or without.
    const at = text.startsWith('event: ') ? text.indexOf('\n') + 1 : 0;
    if (text.startsWith('data: ', at) && text.indexOf('\n', at) === text.length - 2)
      return { data: text.slice(at + 6, -2), name: at === 0 ? null : text.slice(7, at - 1) };
  }
  let data: string | null = null;
  let name: string | null = null;
  for (const line of text.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (line.startsWith('data:')) data = data === null ? value : `${data}\n${value}`;
    else if (line.startsWith('event:')) name = value;
  }
  return { data, name };
}

/** @param first it begins the stream */
function whole(bytes: Buffer, first: boolean): SseEvent {
  const marked = first && bytes.subarray(0, MARK.length).equals(MARK);
  const { data, name } = fieldsOf(marked ? bytes.subarray(MARK.length) : bytes);
  return { bytes, data, name, piece: false };
}

const piece = (bytes: Buffer): SseEvent => ({ bytes, data: null, name: null, piece: true });

const NOTHING = Buffer.alloc(0);

export class SseSplitter {
  /** What has come of an event that is not whole; null: nothing. */
  #parts: Buffer[] | null = null;
  #size = 0;
  /** No character of the current line has come. */
  #lineEmpty = true;
  #afterCr = false;
  /** A blank line ended with CR: the event is complete, but an LF that follows still belongs to it. */
  #closing = false;
  #inPieces = false;
  #first = true;

  /** The events that are complete with this chunk, in order. Their bytes, joined, are the chunks so far. */
  push(chunk: Buffer): SseEvent[] {
    let events: SseEvent[] | null = null;
    let begin = 0;
    const hasCr = this.#afterCr || this.#closing || chunk.includes(CR);
    for (let end = this.#end(chunk, 0, hasCr); end >= 0; end = this.#end(chunk, end, hasCr)) {
      const event = this.#release(chunk.subarray(begin, end));
      // Mostly it is the only one: an array that is pushed to has room for many.
      if (events) events.push(event);
      else events = [event];
      begin = end;
    }
    if (begin < chunk.length) this.#hold(chunk.subarray(begin));
    if (this.#size <= MAX_EVENT_BYTES) return events ?? [];
    this.#inPieces = true;
    return [...(events ?? []), piece(this.#take(NOTHING))];
  }

  /** Where the event ends that the bytes from here belong to; -1: not in this chunk. */
  #end(chunk: Buffer, from: number, hasCr: boolean): number {
    if (hasCr) return this.#endByBytes(chunk, from);
    // Nearly every stream ends its lines with LF alone: from one to the next in a step each.
    let line = this.#lineEmpty ? from : -1;
    for (let at = chunk.indexOf(LF, from); at >= 0; at = chunk.indexOf(LF, at + 1)) {
      if (at === line) {
        this.#lineEmpty = true;
        return at + 1;
      }
      line = at + 1;
    }
    this.#lineEmpty = line === chunk.length;
    return -1;
  }

  #endByBytes(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#closing) {
        this.#closing = false;
        this.#afterCr = false;
        this.#lineEmpty = true;
        return byte === LF ? at + 1 : at;
      }
      if (byte === LF) {
        if (!this.#afterCr && this.#lineEmpty) return at + 1;
        if (!this.#afterCr) this.#lineEmpty = true;
        this.#afterCr = false;
      } else if (byte === CR) {
        if (this.#lineEmpty) this.#closing = true;
        this.#lineEmpty = true;
        this.#afterCr = true;
      } else {
        this.#lineEmpty = false;
        this.#afterCr = false;
      }
    }
    return -1;
  }

  /** What came after the last complete event; null when nothing did. */
  end(): SseEvent | null {
    return this.#size === 0 ? null : this.#release(NOTHING);
  }

  /** True when part of an event has been passed on already and its end has not come. */
  get brokenOff(): boolean {
    return this.#inPieces;
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#parts) this.#parts.push(bytes);
    else this.#parts = [bytes];
    this.#size += bytes.length;
  }

  /** What is held, and these bytes after it. */
  #take(bytes: Buffer): Buffer {
    const parts = this.#parts;
    if (!parts) return bytes;
    if (bytes.length > 0) parts.push(bytes);
    this.#parts = null;
    this.#size = 0;
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** The event that ends with these bytes. */
  #release(last: Buffer): SseEvent {
    const first = this.#first;
    this.#first = false;
    const bytes = this.#take(last);
    if (!this.#inPieces) return whole(bytes, first);
    this.#inPieces = false;
    return piece(bytes);
  }
}
