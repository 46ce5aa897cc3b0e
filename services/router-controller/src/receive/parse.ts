/**
 * Makes the value of a big body in slices of time: between them other requests are served. Long strings keep head and
 * tail (see LongTexts); everything else is what JSON.parse gives.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RouterError } from '../errors.ts';
import { LONG_BYTES, type LongTexts } from './long-text.ts';

/** How long one slice may hold the event loop, ms. */
const SLICE_MS = 5;
/** Between two looks at the clock: values, and bytes of strings. */
const VALUES_A_LOOK = 256;
const BYTES_A_LOOK = 256 * 1024;

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** A number of more digits is none that anybody means; a double has some 17. */
const MAX_NUMBER_BYTES = 1_000;

type Container = { readonly list: unknown[] } | { readonly object: Record<string, unknown>; name: string };

/** @throws RouterError invalid_json with the byte at which it broke off */
export async function parseInSlices(bytes: Buffer, texts: LongTexts): Promise<unknown> {
  const parser = new Parser(bytes, texts);
  for (;;) {
    await slice;
    if (slicing) continue;
    // One slice a turn of the event loop, however many bodies are being parsed.
    slicing = true;
    slice = nextTurn().then(() => {
      slicing = false;
    });
    if (parser.run()) return parser.value;
  }
}

/** Resolves when the next slice may run. */
let slice: Promise<void> = Promise.resolve();
let slicing = false;

class Parser {
  value: unknown;
  readonly #bytes: Buffer;
  readonly #texts: LongTexts;
  readonly #stack: Container[] = [];
  #at = 0;
  #state: 'value' | 'firstValue' | 'name' | 'firstName' | 'after' = 'value';
  #work = 0;

  constructor(bytes: Buffer, texts: LongTexts) {
    this.#bytes = bytes;
    this.#texts = texts;
  }

  /** One slice. @returns true when the value is whole */
  run(): boolean {
    const until = performance.now() + SLICE_MS;
    for (;;) {
      this.#space();
      if (this.#state === 'after' && this.#stack.length === 0) {
        if (this.#at < this.#bytes.length) this.#fail('nothing more after the value');
        return true;
      }
      this.#step();
      if (this.#work < VALUES_A_LOOK) continue;
      this.#work = 0;
      if (performance.now() >= until) return false;
    }
  }

  #step(): void {
    const byte = this.#bytes[this.#at];
    const state = this.#state;
    if (state === 'after') this.#after(byte);
    else if (state === 'firstName' && byte === 0x7d) this.#close();
    else if (state === 'firstValue' && byte === 0x5d) this.#close();
    else if (state === 'firstName' || state === 'name') this.#name();
    else this.#readValue(byte);
  }

  #after(byte: number | undefined): void {
    const inList = 'list' in this.#stack.at(-1)!;
    if (byte === 0x2c) {
      this.#at++;
      this.#state = inList ? 'value' : 'name';
    } else if (byte === (inList ? 0x5d : 0x7d)) this.#close();
    else this.#fail(`',' or '${inList ? ']' : '}'}'`);
  }

  #name(): void {
    if (this.#bytes[this.#at] !== 0x22) this.#fail('a name in double quotes');
    const top = this.#stack.at(-1) as { name: string };
    top.name = this.#string();
    this.#space();
    if (this.#bytes[this.#at] !== 0x3a) this.#fail("':'");
    this.#at++;
    this.#state = 'value';
  }

  #readValue(byte: number | undefined): void {
    this.#work++;
    if (byte === 0x22) this.#put(this.#string());
    else if (byte === 0x7b) this.#open({ object: {}, name: '' }, 'firstName');
    else if (byte === 0x5b) this.#open({ list: [] }, 'firstValue');
    else this.#put(this.#word());
  }

  /** A number, true, false or null. */
  #word(): unknown {
    const start = this.#at;
    const limit = Math.min(this.#bytes.length, start + MAX_NUMBER_BYTES);
    let end = start;
    while (end < limit && isWord(this.#bytes[end]!)) end++;
    const word = this.#bytes.toString('latin1', start, end);
    this.#at = end;
    if (word === 'true') return true;
    if (word === 'false') return false;
    if (word === 'null') return null;
    return NUMBER.test(word) ? Number(word) : this.#fail('a value', start);
  }

  #open(container: Container, state: 'firstName' | 'firstValue'): void {
    this.#at++;
    this.#stack.push(container);
    this.#state = state;
  }

  #close(): void {
    this.#at++;
    const done = this.#stack.pop()!;
    this.#put('list' in done ? done.list : done.object);
  }

  #put(value: unknown): void {
    const top = this.#stack.at(-1);
    if (!top) this.value = value;
    else if ('list' in top) top.list.push(value);
    // An own property, as JSON.parse makes it: never the prototype.
    else if (top.name === '__proto__')
      Object.defineProperty(top.object, top.name, {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    else top.object[top.name] = value;
    this.#state = 'after';
  }

  #string(): string {
    const start = this.#at + 1;
    let from = start;
    let low = start;
    for (;;) {
      const quote = this.#bytes.indexOf(0x22, from);
      if (quote < 0) {
        this.#at = this.#bytes.length;
        this.#fail('the end of a string');
      }
      let run = quote;
      while (run > low && this.#bytes[run - 1] === 0x5c) run--;
      from = quote + 1;
      if ((quote - run) % 2 === 1) {
        low = from;
        continue;
      }
      this.#at = from;
      break;
    }
    const inside = this.#bytes.subarray(start, this.#at - 1);
    this.#work += Math.ceil((inside.length * VALUES_A_LOOK) / BYTES_A_LOOK);
    const decode = (part: Buffer) => this.#decode(part, start);
    return inside.length > LONG_BYTES ? this.#texts.cut(inside, decode) : decode(inside);
  }

  #decode(part: Buffer, start: number): string {
    const text = part.toString('utf8');
    if (!hasSpecial(part)) return text;
    try {
      return JSON.parse(`"${text}"`) as string;
    } catch {
      return this.#fail('a string without raw control characters or unknown escapes', start);
    }
  }

  #space(): void {
    let byte = this.#bytes[this.#at];
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = this.#bytes[++this.#at];
  }

  #fail(wanted: string, at = this.#at): never {
    throw new RouterError('invalid_json', `The body is not valid JSON: ${wanted} was expected at byte ${at}`);
  }
}

const isWord = (byte: number) =>
  (byte >= 0x30 && byte <= 0x39) ||
  (byte >= 0x61 && byte <= 0x7a) ||
  byte === 0x2d ||
  byte === 0x2b ||
  byte === 0x2e ||
  byte === 0x45;

/** Escapes, and control characters, which a string may not have. */
function hasSpecial(part: Buffer): boolean {
  if (part.includes(0x5c)) return true;
  for (let at = 0; at < part.length; at++) if (part[at]! < 0x20) return true;
  return false;
}
