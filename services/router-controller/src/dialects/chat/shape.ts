/**
 * Events of one stream are mostly alike but for a text of a few characters. An event that differs from one that was parsed in
 * nothing but what such string values say needs no parsing: JSON around a string stays what it is, whatever the string says.
 */
import { type Cut, findMember } from '../cut-member.ts';

/** What a choice adds to the answer: which choice, and its one text. */
export interface OneText {
  readonly run: number;
  readonly text: string;
}

/** Values that say nothing and differ in every event. */
const NOISE = ['obfuscation'];

/** False: it has no `usage`, anywhere. Looked for by the name's end: a quote ahead would stop the search at each of an event's. */
export const mayHaveUsage = (data: string) => data.includes('usage"');

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Longer events are parsed: a text that is kept is cut out of its event, and keeps all of that. */
const MOST_CHARS = 8_192;

/** A string's characters that stand for themselves, so that its text is what is written. */
export function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char < SPACE || char === QUOTE || char === BACKSLASH) return false;
  }
  return true;
}

/** `startsWith` compares a character at a time; this is a third of it. */
const standsAt = (data: string, at: number, piece: string) => data.slice(at, at + piece.length) === piece;

/** Where a string value's characters stand in an event's data. */
interface Hole {
  readonly from: number;
  readonly to: number;
}

/** An event that was known by its shape. */
export interface Known {
  /** Its one text; not empty. */
  readonly text: string;
  /** Where a `usage` of null, with its comma, stands in the data; null: there is none. */
  readonly usage: Cut | null;
}

export class Shape {
  readonly run: number;
  /** What stands around the values that may differ, quotes included. */
  readonly #around: readonly string[];
  /** Which of those values is the text. */
  readonly #which: number;
  /** In which of what stands around them, and where there, a `usage` of null is written; null: nowhere. */
  readonly #usage: (Cut & { readonly piece: number }) | null;

  private constructor(data: string, holes: readonly Hole[], text: Hole, usage: Cut | null, run: number) {
    this.run = run;
    const starts = [0, ...holes.map(({ to }) => to)];
    this.#around = starts.map((start, at) => data.slice(start, holes[at]?.from));
    this.#which = holes.indexOf(text);
    const piece = usage ? starts.findLastIndex((start) => start <= usage.from) : -1;
    this.#usage = usage && { piece, from: usage.from - starts[piece]!, to: usage.to - starts[piece]! };
  }

  /**
   * @param data of an event that was parsed.
   * @param told what it adds; a plain text.
   * @param read what the event of other data would add; null: not one text, or more than that.
   * @returns null: nothing to know others by.
   */
  static of(data: string, told: OneText, read: (data: string) => OneText | null): Shape | null {
    if (data.length > MOST_CHARS) return null;
    const usage = mayHaveUsage(data) ? findMember(data, 0, 'usage', (value) => value === 'null') : null;
    const noise = NOISE.flatMap((name) => holesAfter(data, `"${name}":"`));
    // The same text may stand elsewhere, as the model's name; only where it is the text does another one make another answer.
    for (const text of holesOf(data, told.text)) {
      const holes = [text, ...noise].sort((a, b) => a.from - b.from);
      if (holes.some(({ from }, at) => from < (holes[at - 1]?.to ?? 0))) continue;
      const other = read(longer(data, holes));
      if (other && other.run === told.run && other.text === `${told.text}x`)
        return new Shape(data, holes, text, usage, told.run);
    }
    return null;
  }

  /** @returns null: the event is of another shape, or its text is empty or has escapes. */
  read(data: string): Known | null {
    if (data.length > MOST_CHARS) return null;
    const around = this.#around;
    const last = around.length - 1;
    let usage: Cut | null = null;
    let text = '';
    for (let at = 0, from = 0; at <= last; at++) {
      const piece = around[at]!;
      const to = at === 0 ? 0 : at === last ? data.length - piece.length : data.indexOf('"', from);
      if (to < from || !standsAt(data, to, piece)) return null;
      if (at > 0) {
        const value = data.slice(from, to);
        if (!isPlain(value)) return null;
        if (at - 1 === this.#which) text = value;
      }
      if (this.#usage?.piece === at) usage = { from: to + this.#usage.from, to: to + this.#usage.to };
      from = to + piece.length;
    }
    return text === '' ? null : { text, usage };
  }
}

/** A text in how many places is looked at. */
const MOST_PLACES = 4;

function holesOf(data: string, text: string): Hole[] {
  const holes: Hole[] = [];
  const written = `"${text}"`;
  for (
    let at = data.indexOf(written);
    at >= 0 && holes.length < MOST_PLACES;
    at = data.indexOf(written, at + 1)
  )
    holes.push({ from: at + 1, to: at + 1 + text.length });
  return holes;
}

function holesAfter(data: string, name: string): Hole[] {
  const at = data.lastIndexOf(name);
  if (at < 0) return [];
  const from = at + name.length;
  const to = data.indexOf('"', from);
  return to >= 0 && isPlain(data.slice(from, to)) ? [{ from, to }] : [];
}

/** The data with one character more in each of these values. */
function longer(data: string, holes: readonly Hole[]): string {
  let made = '';
  let from = 0;
  for (const { to } of holes) {
    made += `${data.slice(from, to)}x`;
    from = to;
  }
  return made + data.slice(from);
}
