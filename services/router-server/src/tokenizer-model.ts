/**
 * The prompt_tokenizer step in TypeScript: Triton runs the same step in Python (model_repository/prompt_tokenizer/1/
 * model.py). The rules of the cut are the same to the token; services/triton/README.md states them.
 */
import { Tokenizer } from 'tokenizers';
import { InferError } from './errors.ts';
import type { Tensor, Tensors } from './tensor.ts';

export interface TokenizerOptions {
  /** Tokens the encoder sees, specials included. */
  readonly maxTokens: number;
  /** Longest text tokenized, code points. */
  readonly maxChars: number;
  /** Lengths a batch may be padded to, ascending; the last is maxTokens. */
  readonly padTo: readonly number[];
}

// Python's decode keeps a byte order mark, so this one does too.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Reads the options from the model's parameters. */
export function tokenizerOptions(parameters: Readonly<Record<string, string>>): TokenizerOptions {
  const number = (key: string, otherwise: number) => {
    const value = Number(parameters[key] ?? otherwise);
    if (!Number.isInteger(value) || value < 4)
      throw new Error(`parameter ${key} must be a whole number above 3, not '${parameters[key]}'`);
    return value;
  };
  const maxTokens = number('max_tokens', 256);
  const lengths = (parameters.pad_to ?? '').split(',').filter((part) => part.trim() !== '');
  const wrong = lengths.find((part) => !/^\s*[1-9]\d*\s*$/.test(part));
  if (wrong !== undefined)
    throw new Error(`parameter pad_to must be whole numbers between commas, not '${wrong.trim()}'`);
  const listed = lengths.map(Number).filter((n) => n < maxTokens);
  return {
    maxTokens,
    maxChars: number('max_chars', 16_384),
    padTo: [...listed.sort((a, b) => a - b), maxTokens],
  };
}

const isHigh = (unit: number) => unit >= 0xd800 && unit < 0xdc00;
const isLow = (unit: number) => unit >= 0xdc00 && unit < 0xe000;

/**
 * First and last half of a text longer than the limit; lengths in code points, as Python counts. Walks the text without
 * spreading it: a list of five million characters would stop the server for a second.
 *
 * @param text well-formed, as a decoder leaves it.
 */
export function cutChars(text: string, maxChars: number): { text: string; kept: number; whole: number } {
  // Code units bound code points from above, so short texts need no counting.
  if (text.length <= maxChars) return { text, kept: 1, whole: 1 };
  let whole = text.length;
  for (let i = 0; i < text.length; i++) if (isLow(text.charCodeAt(i))) whole--;
  if (whole <= maxChars) return { text, kept: 1, whole: 1 };
  const half = Math.floor(maxChars / 2);
  let head = 0;
  let tail = text.length;
  for (let n = 0; n < half; n++) {
    head += isHigh(text.charCodeAt(head)) ? 2 : 1;
    tail -= isLow(text.charCodeAt(tail - 1)) ? 2 : 1;
  }
  return { text: `${text.slice(0, head)} ${text.slice(tail)}`, kept: 2 * half + 1, whole };
}

/** Start, head, tail, end: over the limit, the first floor and last ceil half of the inner tokens stay. */
export function cutIds(ids: readonly number[], limit: number): readonly number[] {
  if (ids.length <= limit) return ids;
  const inner = limit - 2;
  const head = Math.floor(inner / 2);
  return [...ids.slice(0, 1 + head), ...ids.slice(ids.length - 1 - (inner - head))];
}

export class TokenizerModel {
  readonly #tokenizer: Tokenizer;
  readonly #options: TokenizerOptions;

  private constructor(tokenizer: Tokenizer, options: TokenizerOptions) {
    this.#tokenizer = tokenizer;
    this.#options = options;
  }

  static load(file: string, options: TokenizerOptions): TokenizerModel {
    const tokenizer = Tokenizer.fromFile(file);
    tokenizer.disableTruncation();
    tokenizer.disablePadding();
    return new TokenizerModel(tokenizer, options);
  }

  /** INPUT BYTES [rows,1] → INPUT_IDS, ATTENTION_MASK INT64 [rows,length], TOKEN_COUNT INT32 [rows,1]. */
  async run(inputs: Tensors): Promise<Tensors> {
    const input = inputs.get('INPUT');
    if (input?.datatype !== 'BYTES')
      throw new InferError('INVALID_ARGUMENT', 'prompt_tokenizer wants INPUT of BYTES');
    const texts = (input.data as readonly Buffer[]).map((bytes) =>
      cutChars(decoder.decode(bytes), this.#options.maxChars),
    );
    const encodings = await this.#tokenizer.encodeBatch(texts.map(({ text }) => text));
    const counts = new Int32Array(texts.length);
    const rows = encodings.map((encoding, row) => {
      const ids = encoding.getIds();
      const { kept, whole } = texts[row]!;
      counts[row] = Math.ceil((ids.length * whole) / kept);
      return cutIds(ids, this.#options.maxTokens);
    });
    const longest = Math.max(...rows.map((ids) => ids.length));
    const length = this.#options.padTo.find((bucket) => bucket >= longest)!;
    const ids = new BigInt64Array(rows.length * length);
    const mask = new BigInt64Array(rows.length * length);
    for (const [row, own] of rows.entries()) {
      for (const [at, id] of own.entries()) {
        ids[row * length + at] = BigInt(id);
        mask[row * length + at] = 1n;
      }
    }
    const shape = [rows.length, length];
    return new Map<string, Tensor>([
      ['INPUT_IDS', { datatype: 'INT64', shape, data: ids }],
      ['ATTENTION_MASK', { datatype: 'INT64', shape, data: mask }],
      ['TOKEN_COUNT', { datatype: 'INT32', shape: [rows.length, 1], data: counts }],
    ]);
  }
}
