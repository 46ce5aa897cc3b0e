/** Splits an SSE byte stream into its events without changing a byte. */

/** One event: its bytes, blank line included, and what its `data:` lines hold. */
export interface SseEvent {
  readonly bytes: Buffer;
  /** Data lines joined by line breaks; null for comments and events without data. */
  readonly data: string | null;
}

/** A longer event is passed on unparsed, so that memory stays bounded. */
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

const LF = 10;
const CR = 13;

/** End of the first event in the buffer (index after its blank line), or -1. Line ends may be LF, CRLF or CR. */
function eventEnd(buffer: Buffer, from: number): number {
  for (let i = from; i < buffer.length; i++) {
    const byte = buffer[i];
    if (byte === LF && buffer[i + 1] === LF) return i + 2;
    if (byte === LF && buffer[i + 1] === CR && buffer[i + 2] === LF) return i + 3;
    if (byte === CR && buffer[i + 1] === CR) return i + 2;
  }
  return -1;
}

function dataOf(bytes: Buffer): string | null {
  const lines = bytes.toString('utf8').split(/\r\n|\n|\r/);
  const data = lines
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(line[5] === ' ' ? 6 : 5));
  return data.length > 0 ? data.join('\n') : null;
}

export class SseSplitter {
  #rest: Buffer = Buffer.alloc(0);
  #searched = 0;

  /** The events that are complete with this chunk, in order. */
  push(chunk: Buffer): SseEvent[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const events: SseEvent[] = [];
    // A blank line may straddle two chunks, so the search starts a little before the new bytes.
    let from = Math.max(0, this.#searched - 3);
    let begin = 0;
    for (;;) {
      const end = eventEnd(this.#rest, from);
      if (end < 0) break;
      const bytes = this.#rest.subarray(begin, end);
      events.push({ bytes, data: dataOf(bytes) });
      begin = end;
      from = end;
    }
    this.#rest = this.#rest.subarray(begin);
    if (this.#rest.length > MAX_EVENT_BYTES) {
      events.push({ bytes: this.#rest, data: null });
      this.#rest = Buffer.alloc(0);
    }
    this.#searched = this.#rest.length;
    return events;
  }

  /** What came after the last complete event. */
  end(): SseEvent | null {
    const bytes = this.#rest;
    this.#rest = Buffer.alloc(0);
    return bytes.length === 0 ? null : { bytes, data: dataOf(bytes) };
  }
}
