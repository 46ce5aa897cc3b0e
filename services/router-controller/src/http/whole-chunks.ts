/**
 * Chunks of a body, each written as one buffer. Node writes three: how long it is, its bytes, the end of a line; that is a quarter
 * of what a small write costs, system call included.
 */
import type { ServerResponse } from 'node:http';

const BEGUN = Symbol('the head has gone out');

type Begun = ServerResponse & { [BEGUN]?: true };
type Write = (this: ServerResponse, chunk: unknown, ...more: unknown[]) => boolean;

const CR = 0x0d;
const LF = 0x0a;

/** A chunk as chunked transfer coding has it (RFC 9112, section 7.1). */
function framed(bytes: Uint8Array): Buffer {
  const size = `${bytes.length.toString(16)}\r\n`;
  const all = Buffer.allocUnsafe(size.length + bytes.length + 2);
  all.write(size, 0, 'latin1');
  all.set(bytes, size.length);
  all[all.length - 2] = CR;
  all[all.length - 1] = LF;
  return all;
}

/** For all responses of this prototype. What goes out is the same to the byte. */
export function writeWholeChunks(prototype: ServerResponse): void {
  const write = prototype.write as Write;
  prototype.write = function (this: Begun, chunk: unknown, ...more: unknown[]): boolean {
    // The first chunk goes with the head, in Node's own way; and so do those that Node is told to hold back.
    const own = this[BEGUN] && this.chunkedEncoding && this.writableCorked === 0;
    if (!own || !(chunk instanceof Uint8Array) || chunk.length === 0) {
      this[BEGUN] = true;
      return write.call(this, chunk, ...more);
    }
    this.chunkedEncoding = false;
    try {
      return write.call(this, framed(chunk), ...more);
    } finally {
      this.chunkedEncoding = true;
    }
  } as typeof prototype.write;
}
