/** receive: a body's bytes, bounded while they come, with their layout and their value. */
import type { IncomingMessage } from 'node:http';
import { RouterError } from '../errors.ts';
import type { Held } from './budget.ts';
import { LongTexts } from './long-text.ts';
import { parseInSlices } from './parse.ts';
import { type ReadBounds, readBody } from './read.ts';
import { type Bounds, JsonScanner } from './scanner.ts';
import { type Edits, type Layout, splice, spliceObject, valueBytes } from './splice.ts';

export { type BudgetOptions, ByteBudget, type Held } from './budget.ts';
export { jsonSize } from './json-size.ts';
export { byteLength, LongTexts } from './long-text.ts';
export { type ReadBounds, readBody } from './read.ts';
export { type Bounds, JsonScanner, type Member, scan } from './scanner.ts';
export { type Edits, type Layout, splice, spliceObject, valueBytes } from './splice.ts';

export interface ReceiveBounds extends ReadBounds, Bounds {}

/** A body of more bytes is parsed in slices, with long strings cut. */
const SMALL_BYTES = 256 * 1024;

/** A JSON body as it came. */
export class RawBody {
  /** Unpacked, otherwise untouched. */
  readonly bytes: Buffer;
  readonly layout: Layout;
  /** The value; of strings over 64 KiB in big bodies the middle is a marker (`texts`). */
  readonly value: unknown;
  readonly texts: LongTexts;

  constructor(bytes: Buffer, layout: Layout, value: unknown, texts: LongTexts = new LongTexts()) {
    this.bytes = bytes;
    this.layout = layout;
    this.value = value;
    this.texts = texts;
  }

  /** The bytes with top-level members changed; the value must be an object. */
  edited(edits: Edits): Buffer {
    return splice(this.bytes, this.layout, edits);
  }

  /** JSON text of a top-level object with members of it changed; made anew where it is none. */
  editedObject(name: string, edits: Edits): string {
    return spliceObject(valueBytes(this.bytes, this.layout, name), edits);
  }
}

/** A body that is in memory already, as in tests and replay. */
export function rawBodyOf(value: unknown): RawBody {
  const bytes = Buffer.from(JSON.stringify(value));
  const scanner = new JsonScanner({
    maxDepth: Number.POSITIVE_INFINITY,
    maxValues: Number.POSITIVE_INFINITY,
  });
  scanner.push(bytes);
  return new RawBody(bytes, scanner, value);
}

/**
 * Receives a JSON body.
 *
 * @param held pays for the bytes until the request has ended; the caller gives them back.
 * @throws RouterError invalid_json, invalid_request past a bound, and what readBody throws
 */
export async function receiveJson(
  message: IncomingMessage,
  bounds: ReceiveBounds,
  held: Held,
  signal: AbortSignal,
): Promise<RawBody> {
  checkCharset(String(message.headers['content-type'] ?? ''));
  const scanner = new JsonScanner(bounds);
  const gathered = new Gathered(sizeTold(message, bounds));
  let first = true;
  await readBody(message, bounds, held, signal, (chunk) => {
    const piece = first ? withoutMark(chunk) : chunk;
    first = false;
    scanner.push(piece);
    gathered.push(piece);
  });
  const bytes = gathered.bytes();
  if (bytes.length <= SMALL_BYTES) return new RawBody(bytes, scanner, parseSmall(bytes));
  const texts = new LongTexts();
  return new RawBody(bytes, scanner, await parseInSlices(bytes, texts), texts);
}

/** Bytes of a body whose size is known from its head; null: it is not, or is small. */
function sizeTold({ headers }: IncomingMessage, { bodyBytes }: ReceiveBounds): number | null {
  const told = Number(headers['content-length']);
  if (headers['content-encoding'] !== undefined || !Number.isSafeInteger(told)) return null;
  return told > SMALL_BYTES && told <= bodyBytes ? told : null;
}

/** Pieces as one: put in their place as they come where the size is known, so that nothing big is copied at once. */
class Gathered {
  readonly #whole: Buffer | null;
  readonly #pieces: Buffer[] = [];
  #size = 0;

  constructor(size: number | null) {
    // Memory that nobody has written to yet costs nothing.
    this.#whole = size === null ? null : Buffer.allocUnsafe(size);
  }

  push(piece: Buffer): void {
    if (this.#whole) piece.copy(this.#whole, this.#size);
    else this.#pieces.push(piece);
    this.#size += piece.length;
  }

  bytes(): Buffer {
    if (this.#whole) return this.#whole.subarray(0, this.#size);
    return this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
  }
}

function parseSmall(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const why = bytes.length === 0 ? 'it is empty' : (error as Error).message.slice(0, 200);
    throw new RouterError('invalid_json', `The body is not valid JSON: ${why}`);
  }
}

/** Takes off the byte order mark that some editors put before JSON. */
const withoutMark = (chunk: Buffer) =>
  chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf ? chunk.subarray(3) : chunk;

function checkCharset(contentType: string): void {
  const charset = /;\s?charset="?([^";\s]{1,40})/i.exec(contentType)?.[1]?.toLowerCase();
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii') return;
  throw new RouterError('unsupported_media_type', `JSON is UTF-8; charset '${charset}' is not read`);
}
