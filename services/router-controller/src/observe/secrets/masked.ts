/** Hides what a matcher finds, in place: a secret is followed by nothing that depends on its length, so lengths stay true. */
import type { Matcher } from './matcher.ts';

const WORD = Buffer.from('[REDACTED]');
const STAR = 0x2a;

function hide(bytes: Buffer, start: number, end: number): void {
  bytes.fill(STAR, start, end);
  if (end - start >= WORD.length) WORD.copy(bytes, start);
}

/** The same bytes, in the same buffer, when nothing is found; else a copy in which it is hidden. */
export function masked(matcher: Matcher, bytes: Buffer): Buffer {
  let copy: Buffer | null = null;
  let from = 0;
  let to = 0;
  matcher.each(bytes, (start, end) => {
    copy ??= Buffer.from(bytes);
    if (start >= to) from = start;
    // Overlapping ones are hidden as one.
    to = Math.max(to, end);
    hide(copy, from, to);
  });
  return copy ?? bytes;
}

/**
 * Hides secrets in a body that comes in chunks, also where a chunk ends in the middle of one. What may be the beginning of a
 * secret is held back until the next chunk; the end of a line ends it.
 */
export class MaskedStream {
  readonly #matcher: Matcher;
  /** The end of the last chunk as it came, and as it may go out. */
  #held: Buffer | null = null;
  #heldMasked: Buffer | null = null;

  constructor(matcher: Matcher) {
    this.#matcher = matcher;
  }

  /** What may go out now; the chunk itself, not copied, where nothing is hidden or held back. */
  push(chunk: Buffer): Buffer {
    const bytes = this.#held ? Buffer.concat([this.#held, chunk]) : chunk;
    const clean = this.#clean(bytes);
    const open = endsLine(chunk) ? bytes.length : this.#matcher.openEnd(bytes);
    if (open === bytes.length) {
      this.#held = null;
      this.#heldMasked = null;
      return clean;
    }
    this.#held = bytes.subarray(open);
    this.#heldMasked = clean.subarray(open);
    return clean.subarray(0, open);
  }

  /** What was held back. */
  end(): Buffer {
    const rest = this.#heldMasked ?? Buffer.alloc(0);
    this.#held = null;
    this.#heldMasked = null;
    return rest;
  }

  /** What was hidden once stays hidden, also where the rest of it has gone out. */
  #clean(bytes: Buffer): Buffer {
    const clean = masked(this.#matcher, bytes);
    const before = this.#heldMasked;
    if (!before || this.#held!.equals(before)) return clean;
    const copy = clean === bytes ? Buffer.from(bytes) : clean;
    for (let at = 0; at < before.length; at++) if (before[at] !== this.#held![at]) copy[at] = before[at]!;
    return copy;
  }
}

const LF = 10;
const CR = 13;

/** An event of a stream ends with an empty line, and must not wait for the next one. */
function endsLine(chunk: Buffer): boolean {
  const last = chunk[chunk.length - 1];
  return last === LF || last === CR;
}
