/**
 * Looks over a ModelInfer message before it is decoded: two bytes on the wire can become an object of a hundred, so a
 * limit in bytes alone would let gigabytes in.
 */
import { InferError } from './errors.ts';
import { MAX_ELEMENTS } from './tensor-bytes.ts';

const TOO_MANY = () =>
  new InferError(
    'RESOURCE_EXHAUSTED',
    `the message holds more than ${MAX_ELEMENTS} fields and values; send large tensors in raw_input_contents`,
  );

/** Fields that hold further messages, by the depth at which they stand: inputs and outputs, then contents and parameters. */
const NESTED: readonly ReadonlySet<number>[] = [new Set([4, 5, 6]), new Set([2, 4, 5])];
/** Depth of InferTensorContents, whose fields 1 to 7 may hold packed numbers, and bytes of one at least. */
const CONTENTS_DEPTH = 2;
const BYTES_CONTENTS = 8;
const SMALLEST: Readonly<Record<number, number>> = { 6: 4, 7: 8 };

class Walk {
  readonly #wire: Buffer;
  #values = 0;

  constructor(wire: Buffer) {
    this.#wire = wire;
  }

  #count(values: number): void {
    this.#values += values;
    if (this.#values > MAX_ELEMENTS) throw TOO_MANY();
  }

  /** What is malformed is left to the decoder, which tells it. */
  message(from: number, to: number, depth: number): void {
    for (let at = from; at < to; ) {
      const [tag, afterTag] = this.#varint(at, to);
      const field = Math.floor(tag / 8);
      this.#count(1);
      at = afterTag;
      if (tag % 8 === 0) [, at] = this.#varint(at, to);
      else if (tag % 8 === 1) at += 8;
      else if (tag % 8 === 5) at += 4;
      else if (tag % 8 === 2) {
        const [length, start] = this.#varint(at, to);
        const end = start + length;
        if (end > to) return;
        if (NESTED[depth]?.has(field)) this.message(start, end, depth + 1);
        else if (depth === CONTENTS_DEPTH && field < BYTES_CONTENTS)
          this.#count(Math.ceil(length / (SMALLEST[field] ?? 1)));
        at = end;
      } else return;
    }
  }

  #varint(from: number, to: number): [value: number, next: number] {
    let value = 0;
    for (let at = from, shift = 1; at < to && at < from + 10; at++, shift *= 128) {
      const byte = this.#wire[at]!;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return [value, at + 1];
    }
    return [value, to];
  }
}

/** @throws InferError when decoding it would take out of all proportion. */
export function checkMessage(wire: Buffer): void {
  new Walk(wire).message(0, wire.length, 0);
}
