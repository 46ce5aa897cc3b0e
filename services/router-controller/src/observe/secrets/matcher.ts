/**
 * Finds many byte strings at once by the method of Wu and Manber: the two bytes at the end of a window say how far it may move,
 * so that of a text without any of them only every eighth byte or so is looked at.
 */

/** Windows longer than this gain nothing. */
const MAX_WINDOW = 32;

export class Matcher {
  /** Longest pattern, bytes. */
  readonly longest: number;
  /** Shortest, or the window where all are longer. */
  readonly shortest: number;
  readonly #window: number;
  /** By two bytes: how far the window may move; 0: a pattern may begin where it begins. */
  readonly #shift = new Uint8Array(65_536);
  /** By the last two bytes of their window. */
  readonly #candidates = new Map<number, Buffer[]>();
  /** By first byte. */
  readonly #beginning: Buffer[][] = Array.from({ length: 256 }, () => []);

  /** @param patterns each of two bytes or more. */
  constructor(patterns: readonly Buffer[]) {
    this.longest = Math.max(0, ...patterns.map((pattern) => pattern.length));
    const shortest = Math.min(MAX_WINDOW, ...patterns.map((pattern) => pattern.length));
    if (shortest < 2) throw new RangeError('a pattern has two bytes or more');
    this.shortest = shortest;
    this.#window = shortest;
    this.#shift.fill(shortest - 1);
    for (const pattern of patterns) {
      this.#beginning[pattern[0]!]!.push(pattern);
      for (let at = 0; at + 1 < shortest; at++) {
        const block = (pattern[at]! << 8) | pattern[at + 1]!;
        const left = shortest - 2 - at;
        if (left < this.#shift[block]!) this.#shift[block] = left;
        if (left === 0) this.#candidates.set(block, [...(this.#candidates.get(block) ?? []), pattern]);
      }
    }
  }

  /** Calls `found` for every occurrence, in order of its place; they may overlap. */
  each(bytes: Buffer, found: (start: number, end: number) => void): void {
    const shift = this.#shift;
    const back = this.#window - 2;
    const last = bytes.length - 1;
    for (let at = back; at < last; ) {
      const block = (bytes[at]! << 8) | bytes[at + 1]!;
      const step = shift[block]!;
      if (step > 0) {
        at += step;
        continue;
      }
      const start = at - back;
      for (const pattern of this.#candidates.get(block)!) {
        const end = start + pattern.length;
        if (
          end <= bytes.length &&
          bytes[start] === pattern[0] &&
          bytes.compare(pattern, 0, pattern.length, start, end) === 0
        )
          found(start, end);
      }
      at++;
    }
  }

  /** Where the part at the end begins that may be the beginning of a pattern; the length where there is none. */
  openEnd(bytes: Buffer): number {
    const { length } = bytes;
    for (let at = Math.max(0, length - this.longest + 1); at < length; at++) {
      const seen = length - at;
      for (const pattern of this.#beginning[bytes[at]!]!)
        if (pattern.length > seen && bytes.compare(pattern, 0, seen, at, length) === 0) return at;
    }
    return length;
  }
}
