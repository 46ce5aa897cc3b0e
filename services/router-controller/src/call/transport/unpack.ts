/**
 * Unpacks answers of upstreams that pack them against the request, which asks for none of it: only what is read can be judged,
 * charged, translated and searched for secrets (docs/decisions/0034).
 */
import { Readable, type Transform } from 'node:stream';
import { createInflate, createInflateRaw } from 'node:zlib';
import { decoders } from '../../codings.ts';
import type { HeaderBag } from './headers.ts';
import { bodyOf, type StreamedAnswer, type UpstreamAnswer, type UpstreamBody } from './upstream-answer.ts';

/** Most codings on top of one another. */
const MOST_LAYERS = 2;
/** Most times that an answer may grow past its first mebibyte: texts of models grow tenfold, and a bomb a thousandfold. */
const MOST_GROWTH = 200;
const FREE_GROWN = 1024 * 1024;
/** Each piece goes to another thread and back. */
const PIECE = { chunkSize: 64 * 1024 };

/** Zlib's format, which the standard means by "deflate", begins so; some servers send what is inside it alone. */
const isZlib = (first: number) => (first & 0x0f) === 8;

/** @param first the first bytes of what is unpacked, where they are known. */
type Make = (first?: Buffer) => Transform;

const MAKE: Readonly<Record<string, Make>> = {
  ...decoders(PIECE),
  deflate: (first) => (first && !isZlib(first[0]!) ? createInflateRaw(PIECE) : createInflate(PIECE)),
};

/** What unpacks an answer, the outermost layer first; null: nothing has to, or one of its codings is not known. */
function layersOf(headers: HeaderBag): Make[] | null {
  const codings = String(headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (codings.length === 0 || codings.length > MOST_LAYERS) return null;
  if (!codings.every((coding) => Object.hasOwn(MAKE, coding))) return null;
  return codings.reverse().map((coding) => MAKE[coding]!);
}

/** What speaks of the packed bytes goes. */
function unpackedHeaders(headers: HeaderBag): HeaderBag {
  const { 'content-encoding': _coding, 'content-length': _length, etag: _etag, ...rest } = headers;
  return rest;
}

/** Made with the first bytes: an answer without any (to HEAD, 204) has nothing to unpack. */
class Unpacked implements UpstreamBody {
  readonly #packed: UpstreamBody;
  readonly #layers: readonly Make[];
  #plain: UpstreamBody | null = null;
  /** Bytes so far. */
  #came = 0;
  #grown = 0;

  constructor(packed: UpstreamBody, layers: readonly Make[]) {
    this.#packed = packed;
    this.#layers = layers;
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    if (!this.#plain) {
      const { value, done } = await this.#packed.next();
      if (done) return { done, value };
      this.#plain = bodyOf(this.#unpack(value));
    }
    const next = await this.#plain.next();
    if (!next.done) this.#grown += next.value.length;
    if (this.#grown > FREE_GROWN && this.#grown > this.#came * MOST_GROWTH) {
      this.destroy();
      throw new Error(`the packed answer grows more than ${MOST_GROWTH} times`);
    }
    return next;
  }

  async *#chunks(first: Buffer): AsyncGenerator<Buffer> {
    let next: IteratorResult<Buffer, undefined> = { done: false, value: first };
    for (; !next.done; next = await this.#packed.next()) {
      this.#came += next.value.length;
      yield next.value;
    }
  }

  #unpack(first: Buffer): Readable {
    let stream: Readable = Readable.from(this.#chunks(first), { objectMode: false });
    for (const [depth, make] of this.#layers.entries()) {
      const from = stream;
      const decoder = depth === 0 ? make(first) : make();
      from.on('error', (error) => decoder.destroy(error));
      decoder.on('close', () => from.destroy());
      stream = from.pipe(decoder);
    }
    return stream;
  }

  ignore(): void {
    this.#plain?.destroy();
    this.#packed.ignore();
  }

  destroy(): void {
    this.#plain?.destroy();
    this.#packed.destroy();
  }
}

/** The answer as it would be, had the upstream not packed it. */
export function unpacked(answer: UpstreamAnswer): UpstreamAnswer {
  const layers = layersOf(answer.headers);
  if (!layers) return answer;
  const { status, headers, body } = answer;
  return { status, headers: unpackedHeaders(headers), body: new Unpacked(body, layers) };
}

/** The same of a stream of Node's. A part of a file is a part of its packed bytes, and stays so. */
export function unpackedStream(answer: StreamedAnswer): StreamedAnswer {
  const { status, headers, body } = answer;
  const layers = status === 206 ? null : layersOf(headers);
  if (!layers) return answer;
  const plain = new Unpacked(bodyOf(body), layers);
  const stream = new Readable({
    read() {
      plain.next().then(
        ({ value, done }) => this.push(done ? null : value),
        (error) => this.destroy(error),
      );
    },
    destroy(error, done) {
      plain.destroy();
      done(error);
    },
  });
  return { status, headers: unpackedHeaders(headers), body: stream };
}
