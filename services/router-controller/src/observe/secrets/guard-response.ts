/** The one way out for answers: whatever a handler, express or the relay writes to a client goes through here. */
import { type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { KnownSecrets } from './index.ts';
import type { MaskedStream } from './masked.ts';

const BODY = Symbol('body without secrets');

type Guarded = ServerResponse & { [BODY]?: MaskedStream | null };
type Chunk = Uint8Array | string;
type Done = (error?: Error | null) => void;
type More = BufferEncoding | Done | undefined;

const asBuffer = (chunk: Chunk, encoding: More): Buffer => {
  if (typeof chunk === 'string') return Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8');
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
};

/** All texts in values of headers, as they may be given to Node. */
function textsIn(value: unknown, into: string[]): void {
  if (typeof value === 'string') into.push(value);
  else if (Array.isArray(value)) for (const each of value) textsIn(each, into);
  else if (value !== null && typeof value === 'object')
    for (const name in value) textsIn((value as Record<string, unknown>)[name], into);
}

/**
 * Makes all responses of this prototype (of an express app, or of a class of responses) take the process' secrets out of their
 * headers and bodies. Lengths stay, so a `content-length` stays true; what has none in it passes uncopied.
 */
export function guardResponses(prototype: ServerResponse, secrets: KnownSecrets): void {
  const { writeHead, write, end } = ServerResponse.prototype;
  // Begun with the first byte: what a reload has taught meanwhile counts.
  const bodyOf = (response: Guarded): MaskedStream | null => {
    response[BODY] ??= secrets.stream();
    return response[BODY];
  };
  const cleaned = <Value>(value: Value): Value => {
    if (typeof value === 'string') return secrets.text(value) as Value;
    return (Array.isArray(value) ? value.map((each: unknown) => cleaned(each)) : value) as Value;
  };

  prototype.writeHead = function (this: ServerResponse, status: number, ...more: unknown[]) {
    const texts: string[] = [];
    textsIn(this.getHeaders(), texts);
    textsIn(more, texts);
    const all = texts.join('\n');
    // Nearly always: one search over all of them tells that none has to be looked at by itself.
    if (secrets.text(all) === all) return Reflect.apply(writeHead, this, [status, ...more]) as ServerResponse;
    for (const [name, value] of Object.entries(this.getHeaders()))
      if (value !== undefined && typeof value !== 'number') this.setHeader(name, cleaned(value));
    const given = more.map((each) =>
      each === null || typeof each !== 'object' || Array.isArray(each)
        ? cleaned(each)
        : Object.fromEntries(
            Object.entries(each as OutgoingHttpHeaders).map(([name, value]) => [name, cleaned(value)]),
          ),
    );
    return Reflect.apply(writeHead, this, [status, ...given]) as ServerResponse;
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
    const body = bodyOf(this);
    const done = [chunk, encoding, last].find((each) => typeof each === 'function');
    const given = typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : null;
    if (!body) return Reflect.apply(end, this, [chunk, encoding, last]) as ServerResponse;
    const clean = given === null ? null : body.push(asBuffer(given, encoding));
    const rest = body.end();
    const out =
      clean && rest.length > 0 ? Buffer.concat([clean, rest]) : (clean ?? (rest.length > 0 ? rest : null));
    return Reflect.apply(end, this, [...(out ? [out] : []), ...(done ? [done] : [])]) as ServerResponse;
  } as typeof end;
}
