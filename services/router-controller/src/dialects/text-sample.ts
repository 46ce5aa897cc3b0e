/** The beginning of a text that is written piece by piece, in bounded memory, and how long all of it is. */
import { byteLength } from '../receive/index.ts';
import type { Uncounted } from '../request.ts';

/** Characters kept; about 16,000 tokens of English. What comes after is counted by the ratio of what came before. */
export const SAMPLE_CHARS = 64 * 1024;
/** Pieces of a few characters each cost more than their text until they are joined. */
const JOIN_AT = 64;

interface Run {
  readonly joined: string[];
  pieces: string[];
}

export class TextSample {
  /** UTF-8 bytes of all that was added. */
  bytes = 0;
  #kept = 0;
  readonly #runs = new Map<number, Run>();

  /** @param run texts that are written side by side, as the choices of an answer, are kept apart. */
  add(text: string, run = 0): void {
    this.bytes += byteLength(text);
    const room = SAMPLE_CHARS - this.#kept;
    if (room <= 0) return;
    const piece = text.length <= room ? text : text.slice(0, room);
    this.#kept += piece.length;
    let known = this.#runs.get(run);
    if (!known) {
      known = { joined: [], pieces: [] };
      this.#runs.set(run, known);
    }
    known.pieces.push(piece);
    if (known.pieces.length < JOIN_AT) return;
    known.joined.push(known.pieces.join(''));
    known.pieces = [];
  }

  /** Bytes of text that nobody looked into. */
  skip(bytes: number): void {
    this.bytes += bytes;
  }

  read(): Uncounted {
    const texts = [...this.#runs.values()].map(({ joined, pieces }) => [...joined, ...pieces].join(''));
    return { texts, bytes: this.bytes };
  }
}
