/**
 * Reads JSON's structure while its bytes come, without making a value: where the top-level members stand, how deep it
 * nests, how many values it has. One look at each byte, so a hostile body costs no more than an honest one of its size.
 */
import { RouterError } from '../errors.ts';

/** One member of the top-level object, as byte offsets into the whole body. */
export interface Member {
  /** Decoded name. */
  readonly name: string;
  /** First byte of the name's opening quote. */
  readonly start: number;
  /** First byte of the value. */
  readonly valueStart: number;
  /** One past the last byte of the value. */
  readonly end: number;
}

export interface Bounds {
  /** Deepest nesting of arrays and objects. */
  readonly maxDepth: number;
  /** Most values: members, elements, and empty arrays and objects. */
  readonly maxValues: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;

/** 0: nothing of the structure; 1: a quote, comma, bracket or colon; 2: white space. */
const KIND = new Uint8Array(256);
for (const byte of [QUOTE, COMMA, COLON, OPEN_OBJECT, OPEN_ARRAY, CLOSE_OBJECT, CLOSE_ARRAY]) KIND[byte] = 1;
for (const byte of [0x20, 0x09, 0x0a, 0x0d]) KIND[byte] = 2;

/** Bytes of a string looked at one by one before the native search for its end takes over. */
const SHORT = 24;
/** Top-level members that are remembered; a request with more is no request. */
const MAX_MEMBERS = 1_000;
/** Longest name of a top-level member that is decoded: the router knows none that is longer. */
const MAX_NAME_BYTES = 256;

export class JsonScanner {
  readonly #bounds: Bounds;
  readonly members: Member[] = [];
  /** Offset of the first byte of the root when it is an object, else -1. */
  rootStart = -1;
  /** Bytes seen so far. */
  size = 0;
  #values = 1;
  #depth = 0;
  #inString = false;
  /** The byte before the present one was a backslash that escapes. */
  #escaped = false;
  /** At depth 1 of a root object: a name comes next. */
  #wantsName = false;
  #root = false;
  #nameStart = -1;
  #name: string | null = null;
  #nameParts: Buffer[] = [];
  #inName = false;
  #valueStart = -1;
  #lastSolid = -1;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get values(): number {
    return this.#values;
  }

  /**
   * The next bytes.
   *
   * @throws RouterError invalid_request past a bound
   */
  push(chunk: Buffer): void {
    const base = this.size;
    const { length } = chunk;
    let at = 0;
    while (at < length) {
      if (this.#inString) {
        at = this.#string(chunk, at, base);
        continue;
      }
      const byte = chunk[at]!;
      const kind = KIND[byte]!;
      if (kind === 1) this.#structure(byte, base + at);
      if (kind !== 2) {
        if (this.#depth === 1 && this.#root) this.#solid(byte, base + at);
        else if (this.#depth === 0) this.#lastSolid = base + at;
      }
      at++;
    }
    this.size = base + length;
  }

  /** Members of the root object, whole; what follows them is for the parser to judge. */
  end(): readonly Member[] {
    return this.members;
  }

  /** A byte of the root object that is outside any string and any deeper value, or closes or opens one. */
  #solid(byte: number, offset: number): void {
    if (byte === COMMA || byte === COLON) return;
    if (this.#name !== null && this.#valueStart < 0 && byte !== QUOTE) this.#valueStart = offset;
    this.#lastSolid = offset;
  }

  #structure(byte: number, offset: number): void {
    switch (byte) {
      case QUOTE:
        this.#inString = true;
        if (this.#depth === 1 && this.#root) {
          if (this.#wantsName && this.#name === null) {
            this.#inName = true;
            this.#nameStart = offset;
          } else if (this.#name !== null && this.#valueStart < 0) this.#valueStart = offset;
        }
        return;
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        this.#count();
        if (this.#depth === 0 && this.#lastSolid < 0) {
          this.#root = byte === OPEN_OBJECT;
          this.#wantsName = this.#root;
          if (this.#root) this.rootStart = offset;
        } else if (this.#depth === 1 && this.#root && this.#name !== null && this.#valueStart < 0) {
          this.#valueStart = offset;
        }
        if (++this.#depth > this.#bounds.maxDepth) {
          throw new RouterError(
            'invalid_request',
            `The body nests deeper than ${this.#bounds.maxDepth} levels at byte ${offset} (server.body_max_depth)`,
          );
        }
        return;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        if (this.#depth === 1 && this.#root) this.#member();
        if (this.#depth > 0) this.#depth--;
        if (this.#depth === 1) this.#lastSolid = offset;
        return;
      case COMMA:
        this.#count();
        if (this.#depth === 1 && this.#root) this.#member();
    }
  }

  #count(): void {
    if (++this.#values > this.#bounds.maxValues) {
      throw new RouterError(
        'invalid_request',
        `The body has more than ${this.#bounds.maxValues} values (server.body_max_values)`,
      );
    }
  }

  #member(): void {
    if (this.#name !== null && this.#valueStart >= 0) {
      if (this.members.length >= MAX_MEMBERS) {
        throw new RouterError('invalid_request', `The body has more than ${MAX_MEMBERS} top-level fields`);
      }
      this.members.push({
        name: this.#name,
        start: this.#nameStart,
        valueStart: this.#valueStart,
        end: this.#lastSolid + 1,
      });
    }
    this.#name = null;
    this.#valueStart = -1;
    this.#wantsName = true;
  }

  /** Goes on inside a string. @returns where to read on */
  #string(chunk: Buffer, from: number, base: number): number {
    const { length } = chunk;
    let at = from;
    if (this.#escaped) {
      this.#escaped = false;
      at++;
    }
    const near = Math.min(length, at + SHORT);
    while (at < near) {
      const byte = chunk[at]!;
      if (byte === QUOTE) return this.#close(chunk, from, at, base);
      if (byte !== BACKSLASH) at++;
      else if (at + 1 < length) at += 2;
      else {
        this.#escaped = true;
        at++;
      }
    }
    // Backslashes are counted from here on only, and each run of them once, so a text full of them stays linear.
    let low = at;
    while (at < length) {
      const quote = chunk.indexOf(QUOTE, at);
      const stop = quote < 0 ? length : quote;
      let run = stop;
      while (run > low && chunk[run - 1] === BACKSLASH) run--;
      const odd = (stop - run) % 2 === 1;
      if (quote < 0) {
        this.#escaped = odd;
        at = length;
      } else if (!odd) return this.#close(chunk, from, quote, base);
      else {
        at = quote + 1;
        low = at;
      }
    }
    if (this.#inName) this.#keepName(chunk, from, length);
    return Math.max(at, length);
  }

  #close(chunk: Buffer, from: number, quote: number, base: number): number {
    this.#inString = false;
    if (this.#inName) {
      this.#inName = false;
      this.#wantsName = false;
      // Nearly every name stands in one chunk, and is read where it stands.
      if (this.#nameParts.length === 0)
        this.#name = decodeName(chunk.toString('utf8', from, Math.min(quote, from + MAX_NAME_BYTES + 1)));
      else {
        this.#keepName(chunk, from, quote);
        this.#name = decodeName(Buffer.concat(this.#nameParts).toString('utf8'));
        this.#nameParts = [];
      }
    } else if (this.#depth === 1 && this.#root) this.#lastSolid = base + quote;
    return quote + 1;
  }

  #keepName(chunk: Buffer, from: number, to: number): void {
    const kept = this.#nameParts.reduce((sum, part) => sum + part.length, 0);
    // One byte more than the longest, so that a name which was cut never equals one that was not.
    const room = MAX_NAME_BYTES + 1 - kept;
    if (room > 0) this.#nameParts.push(Buffer.from(chunk.subarray(from, Math.min(to, from + room))));
  }
}

/** `mod\u0065l` is `model` to every JSON parser, so it is to the router. */
function decodeName(text: string): string {
  if (!text.includes('\\')) return text;
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}

/** Scans a body that is whole already. */
export function scan(bytes: Buffer, bounds: Bounds): JsonScanner {
  const scanner = new JsonScanner(bounds);
  scanner.push(bytes);
  return scanner;
}
