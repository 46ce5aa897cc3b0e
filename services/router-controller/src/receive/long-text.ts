/**
 * Long strings of big bodies. The router reads their head and tail; the middle stands as a marker, and is put back as
 * the very bytes that came when a body is written anew for another dialect.
 */
import { randomBytes } from 'node:crypto';

/** Of a string that is cut, characters kept at each end: more than the longest text that is classified. */
export const KEPT_BYTES = 24 * 1024;
/** A shorter string is kept whole. */
export const LONG_BYTES = 64 * 1024;

const EDGE = '\ue000';
/** A last number tells in how many strings of JSON, one inside the other, it stands. */
const MARKER = /\ue000([0-9a-f]{16}):(\d{1,9}):(\d{1,12})(?::(\d))?\ue000/g;

/** Middles that were left out of one body. */
export class LongTexts {
  /** Nobody can send a marker of this body: the client would have to guess it before it sends. Few bodies need one. */
  #nonce = '';
  readonly #middles: Buffer[] = [];

  get size(): number {
    return this.#middles.length;
  }

  /** @param bytes of a JSON string's inside, escapes and all. @returns the text with its middle out */
  cut(bytes: Buffer, decode: (part: Buffer) => string): string {
    const head = headCut(bytes, KEPT_BYTES);
    const tail = tailCut(bytes, bytes.length - KEPT_BYTES);
    const middle = bytes.subarray(head, tail);
    if (this.#nonce === '') this.#nonce = randomBytes(8).toString('hex');
    const index = this.#middles.push(middle) - 1;
    const marker = `${EDGE}${this.#nonce}:${index}:${middle.length}${EDGE}`;
    return decode(bytes.subarray(0, head)) + marker + decode(bytes.subarray(tail));
  }

  /** JSON of a value, to stand in a string of another value that is rendered later. */
  nested(value: unknown): string {
    const text = JSON.stringify(value);
    if (this.#middles.length === 0) return text;
    return text.replace(MARKER, (marker, nonce: string, index: string, length: string, depth = '0') =>
      nonce === this.#nonce ? `${EDGE}${nonce}:${index}:${length}:${Number(depth) + 1}${EDGE}` : marker,
    );
  }

  /** JSON of a value in which markers may stand, with the middles back in their places. */
  render(value: unknown): Buffer {
    const text = JSON.stringify(value);
    if (this.#middles.length === 0) return Buffer.from(text);
    const parts: Buffer[] = [];
    let done = 0;
    for (const match of text.matchAll(MARKER)) {
      const middle = match[1] === this.#nonce ? this.#middles[Number(match[2])] : undefined;
      if (!middle) continue;
      parts.push(Buffer.from(text.slice(done, match.index)), escaped(middle, Number(match[4] ?? 0)));
      done = match.index + match[0].length;
    }
    parts.push(Buffer.from(text.slice(done)));
    return Buffer.concat(parts);
  }
}

/** The inside of a JSON string as it stands in a string that holds JSON. */
function escaped(inside: Buffer, depth: number): Buffer {
  let bytes = inside;
  for (let i = 0; i < depth; i++) {
    // Control characters are escapes already; quotes and backslashes get one more. Latin-1 keeps every byte.
    const text = bytes.toString('latin1').replaceAll(/["\\]/g, '\\$&');
    bytes = Buffer.from(text, 'latin1');
  }
  return bytes;
}

/** UTF-8 bytes of a text with what was left out of it. A marker that somebody has made up makes no text shorter. */
export function byteLength(text: string): number {
  const bytes = Buffer.byteLength(text);
  if (!text.includes(EDGE)) return bytes;
  let more = 0;
  for (const match of text.matchAll(MARKER))
    more += Math.max(0, Number(match[3]) - Buffer.byteLength(match[0]));
  return bytes + more;
}

/** How far an escape that began before a cut can reach beyond it: `\\ud83d\\ude00` has 12 bytes. */
const ESCAPE_REACH = 12;
const BACKSLASH = 0x5c;

/** A cut at or a little after `at` that splits no UTF-8 character, no escape and no escaped surrogate pair. */
function headCut(bytes: Buffer, at: number): number {
  let cut = 0;
  while (cut < at) cut = next(bytes, cut);
  return wholeCharacter(bytes, cut);
}

/** The same, seen from the end: only a place before which no escape can have begun is sure; else there is no tail. */
function tailCut(bytes: Buffer, at: number): number {
  let plain = 0;
  for (let cut = at; cut < bytes.length; cut++) {
    if (plain >= ESCAPE_REACH) return wholeCharacter(bytes, cut);
    plain = bytes[cut] === BACKSLASH ? 0 : plain + 1;
  }
  return bytes.length;
}

function wholeCharacter(bytes: Buffer, at: number): number {
  let cut = at;
  while (cut < bytes.length && (bytes[cut]! & 0xc0) === 0x80) cut++;
  return Math.min(cut, bytes.length);
}

/** The end of the byte or escape, or of the surrogate pair of escapes, that begins here. */
function next(bytes: Buffer, at: number): number {
  if (bytes[at] !== BACKSLASH) return at + 1;
  if (bytes[at + 1] !== 0x75) return at + 2;
  const end = at + 6;
  const isHigh = /^d[89ab]/i.test(bytes.toString('latin1', at + 2, at + 4));
  return isHigh && bytes[end] === BACKSLASH && bytes[end + 1] === 0x75 ? end + 6 : end;
}
