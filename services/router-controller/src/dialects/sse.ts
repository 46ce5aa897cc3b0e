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
  // Nearly every event is this one line.
  if (text.startsWith('data: ') && text.indexOf('\n') === text.length - 2 && !text.includes('\r'))
    return { data: text.slice(6, -2), name: null };
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
  return { bytes, ...fieldsOf(marked ? bytes.subarray(MARK.length) : bytes), piece: false };
}

export class SseSplitter {
  #parts: Buffer[] = [];
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
    const events: SseEvent[] = [];
    let begin = 0;
    const close = (end: number) => {
      this.#hold(chunk.subarray(begin, end));
      events.push(this.#release());
      begin = end;
    };
    // Nearly every stream ends its lines with LF alone: from one to the next in a step each.
    if (!this.#afterCr && !this.#closing && !chunk.includes(CR)) {
      let line = this.#lineEmpty ? 0 : -1;
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
        if (at === line) close(at + 1);
        line = at + 1;
      }
      this.#lineEmpty = line === chunk.length;
      return this.#rest(chunk.subarray(begin), events);
    }
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (this.#closing) {
        this.#closing = false;
        this.#afterCr = false;
        this.#lineEmpty = true;
        close(byte === LF ? i + 1 : i);
        if (byte === LF) continue;
      }
      if (byte === LF) {
        if (this.#afterCr) this.#afterCr = false;
        else if (this.#lineEmpty) close(i + 1);
        else this.#lineEmpty = true;
      } else if (byte === CR) {
        if (this.#lineEmpty) this.#closing = true;
        this.#lineEmpty = true;
        this.#afterCr = true;
      } else {
        this.#lineEmpty = false;
        this.#afterCr = false;
      }
    }
    return this.#rest(chunk.subarray(begin), events);
  }

  /** Holds what is not whole yet, unless it is too long. */
  #rest(bytes: Buffer, events: SseEvent[]): SseEvent[] {
    this.#hold(bytes);
    if (this.#size > MAX_EVENT_BYTES) {
      this.#inPieces = true;
      events.push(this.#piece());
    }
    return events;
  }

  /** What came after the last complete event; null when nothing did. */
  end(): SseEvent | null {
    return this.#size === 0 ? null : this.#release();
  }

  /** True when part of an event has been passed on already and its end has not come. */
  get brokenOff(): boolean {
    return this.#inPieces;
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#size += bytes.length;
  }

  #take(): Buffer {
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    return bytes;
  }

  #piece(): SseEvent {
    return { bytes: this.#take(), data: null, name: null, piece: true };
  }

  #release(): SseEvent {
    const first = this.#first;
    this.#first = false;
    if (!this.#inPieces) return whole(this.#take(), first);
    this.#inPieces = false;
    return this.#piece();
  }
}
