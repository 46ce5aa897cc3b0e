/** Reads HTTP/1.1 messages off a socket, far cheaper than node:http, so that the harness costs little beside what it measures. */

export interface MessageEvents {
  /** Start line and headers, without the empty line. */
  readonly head: (head: string) => void;
  readonly body: (piece: Buffer) => void;
  readonly end: () => void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

type State = 'head' | 'sized' | 'chunk-size' | 'chunk' | 'chunk-end';

/** For messages that are whole and well-formed: content-length or chunked, one after the other on a connection. */
export class MessageReader {
  readonly #events: MessageEvents;
  #rest: Buffer = Buffer.alloc(0);
  #state: State = 'head';
  #left = 0;
  #last = false;

  constructor(events: MessageEvents) {
    this.#events = events;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length > 0 && this.#step());
  }

  #take(bytes: number): Buffer {
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }

  #end(): void {
    this.#state = 'head';
    this.#events.end();
  }

  /** @returns false when more bytes are needed. */
  #step(): boolean {
    switch (this.#state) {
      case 'head': {
        const at = this.#rest.indexOf(HEAD_END);
        if (at < 0) return false;
        const head = this.#take(at + HEAD_END.length).toString('latin1', 0, at);
        this.#events.head(head);
        if (/\r\ntransfer-encoding: *chunked/i.test(head)) this.#state = 'chunk-size';
        else {
          this.#left = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
          this.#state = 'sized';
          if (this.#left === 0) this.#end();
        }
        return true;
      }
      case 'sized':
      case 'chunk': {
        if (this.#rest.length === 0) return false;
        const piece = this.#take(Math.min(this.#left, this.#rest.length));
        this.#left -= piece.length;
        this.#events.body(piece);
        if (this.#left === 0) {
          if (this.#state === 'sized') this.#end();
          else this.#state = 'chunk-end';
        }
        return true;
      }
      case 'chunk-size': {
        const at = this.#rest.indexOf(LINE_END);
        if (at < 0) return false;
        this.#left = Number.parseInt(this.#take(at + 2).toString('latin1', 0, at), 16);
        this.#last = this.#left === 0;
        this.#state = this.#last ? 'chunk-end' : 'chunk';
        return true;
      }
      case 'chunk-end': {
        if (this.#rest.length < 2) return false;
        this.#take(2);
        // A chunk of no bytes was the last.
        if (this.#last) this.#end();
        else this.#state = 'chunk-size';
        return true;
      }
    }
  }
}
