/** The one way out for answers: whatever a handler, express or the relay writes to a client goes through here. */
import type { ServerResponse } from 'node:http';
import type { KnownSecrets } from './index.ts';
import type { MaskedStream } from './masked.ts';

const BODY = Symbol('body without secrets');

type Guarded = ServerResponse & {
  [BODY]?: MaskedStream | null;
  /** Node's own: status line and all headers as they will be written, from `writeHead` on. */
  _header: unknown;
};
type Chunk = Uint8Array | string;
type Done = (error?: Error | null) => void;
type More = BufferEncoding | Done | undefined;

const asBuffer = (chunk: Chunk, encoding: More): Buffer => {
  if (typeof chunk === 'string') return Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8');
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
};

/**
 * Makes all responses of this prototype (of an express app, or of a class of responses) take the process' secrets out of their
 * headers and bodies. Lengths stay, so a `content-length` stays true; what has none in it passes uncopied.
 */
export function guardResponses(prototype: ServerResponse, secrets: KnownSecrets): void {
  const { writeHead, write, end } = prototype;
  // Begun with the first byte: what a reload has taught meanwhile counts.
  const bodyOf = (response: Guarded): MaskedStream | null => {
    response[BODY] ??= secrets.stream();
    return response[BODY];
  };

  prototype.writeHead = function (this: Guarded, ...given: unknown[]) {
    const result = Reflect.apply(writeHead, this, given) as ServerResponse;
    // A Node that keeps them elsewhere must not go unguarded.
    if (typeof this._header !== 'string')
      throw new TypeError('this version of Node has no _header of a response');
    this._header = secrets.text(this._header);
    return result;
  } as typeof writeHead;

  prototype.write = function (this: Guarded, chunk: Chunk, encoding?: More, last?: Done): boolean {
    const body = bodyOf(this);
    if (!body) return write.call(this, chunk, encoding as BufferEncoding, last);
    const done = typeof encoding === 'function' ? encoding : last;
    const out = body.push(asBuffer(chunk, encoding));
    if (out.length > 0)
      return done ? write.call(this, out, done as never) : write.call(this, out, undefined as never);
    if (done) queueMicrotask(() => done());
    return true;
  } as typeof write;

  prototype.end = function (this: Guarded, chunk?: Chunk | Done | null, encoding?: More, last?: Done) {
    const done = [chunk, encoding, last].find((each) => typeof each === 'function');
    const given = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : null;
    // A whole body, as nearly all are, ends nowhere but at its end.
    if (this[BODY] === undefined && given !== null) {
      const whole = secrets.bytes(asBuffer(given, encoding));
      return Reflect.apply(end, this, [whole, ...(done ? [done] : [])]) as ServerResponse;
    }
    const body = bodyOf(this);
    if (!body) return Reflect.apply(end, this, [chunk, encoding, last]) as ServerResponse;
    const clean = given === null ? null : body.push(asBuffer(given, encoding));
    const rest = body.end();
    const out =
      clean && rest.length > 0 ? Buffer.concat([clean, rest]) : (clean ?? (rest.length > 0 ? rest : null));
    return Reflect.apply(end, this, [...(out ? [out] : []), ...(done ? [done] : [])]) as ServerResponse;
  } as typeof end;
}
