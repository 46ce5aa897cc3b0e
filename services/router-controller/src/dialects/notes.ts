/** What a translation meets on its way: things that are refused and things that are left out. */
import { echo } from '../echo.ts';
import type { Refusal } from './dialect.ts';
import type { FieldTable, Shape } from './table.ts';
import { isObject } from './values.ts';

/** Both hold names that the client chose. */
const MOST_REFUSALS = 5;
const MOST_DROPPED = 50;
const MOST_WORDS = 400;

const isText = (value: unknown) => typeof value === 'string';
const SHAPES: Readonly<
  Record<Shape, { readonly words: string; readonly holds: (value: unknown) => boolean }>
> = {
  text: { words: 'a string', holds: isText },
  list: { words: 'a list', holds: Array.isArray },
  object: { words: 'an object', holds: isObject },
  'text or list': {
    words: 'a string or a list',
    holds: (value) => isText(value) || Array.isArray(value),
  },
};

export class Notes {
  /** The first ones; a client has no use for thousands. */
  readonly refusals: Refusal[] = [];
  readonly #dropped = new Set<string>();

  /** @param why goes on after the place: "`x` …" */
  refuse(param: string, why: string): void {
    if (this.refusals.length >= MOST_REFUSALS) return;
    const place = echo(param);
    this.refusals.push({ param: place, message: `'${place}': ${echo(why, MOST_WORDS)}` });
  }

  /** Refuses a value that is given and is no such thing. */
  shape(param: string, value: unknown, is: Shape): void {
    const { words, holds } = SHAPES[is];
    if (value !== undefined && value !== null && !holds(value)) this.refuse(param, `must be ${words}`);
  }

  /** @param name without indexes, as it is told in a header. */
  drop(name: string): void {
    if (this.#dropped.size < MOST_DROPPED) this.#dropped.add(echo(name));
  }

  get dropped(): readonly string[] {
    return [...this.#dropped];
  }

  /**
   * Treats the members of an object as its table says: copies what is the same in chat, notes what is dropped or
   * refused. What is `mapped` is the caller's.
   *
   * @param place of the object: '' for the body itself.
   */
  members(object: Readonly<Record<string, unknown>>, table: FieldTable, place = ''): Record<string, unknown> {
    const copied: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(object)) {
      if (value === undefined || value === null) continue;
      const at = place === '' ? name : `${place}.${name}`;
      const row = Object.hasOwn(table, name) ? table[name]! : null;
      if (row?.is) this.shape(at, value, row.is);
      if (row === null) this.drop(at.replaceAll(/\[\d+\]/g, '[]'));
      else if (row.neutral?.some((each) => each === value)) continue;
      else if (row.fate === 'same') copied[row.to ?? name] = value;
      else if (row.fate === 'dropped' && !row.quiet) this.drop(at.replaceAll(/\[\d+\]/g, '[]'));
      else if (row.fate === 'refused') this.refuse(at, row.note ?? 'chat completions have nothing like it');
    }
    return copied;
  }
}
