/** Looks into values that came as JSON and may be anything. Strings are opaque: a long one may stand for more. */

export { wordOf } from '../echo.ts';

export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

export const objectOf = (value: unknown): Json => (isObject(value) ? value : {});
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
/** The row of a table that a name from outside asks for; what every object inherits is no row. */
export const rowOf = <T>(table: Readonly<Record<string, T>>, name: unknown): T | undefined =>
  typeof name === 'string' && Object.hasOwn(table, name) ? table[name] : undefined;
/** Neither absent nor null. */
export const given = (value: unknown) => value !== undefined && value !== null;

/** A count; what can be none, as 1e308 tokens, is 0: sums of it would be no JSON. */
export const countOf = (value: unknown) =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? Math.round(value) : 0;

/** The object without keys that have no value. */
export function compact<T extends Json>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
