/** Text of others in sentences of ours: short, on one line, and unable to move a cursor or turn a line around. */

/** Longest text of a client's that an answer or a log line repeats, characters; names of the configuration are shorter. */
export const MAX_ECHO = 200;

/** Control characters, line and paragraph separators, direction marks, and halves of characters. */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * A value in a sentence or as a word to look for. `String()` and templates throw where an object from JSON has a
 * `toString` or `valueOf` of its own, which is no function.
 */
export const wordOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * A client's text, fit to be repeated.
 *
 * @param most UTF-16 units of the text that are kept; what is left out is told by its number.
 * @example echo('a\nb') // 'a\\u000ab'
 */
export function echo(text: unknown, most: number = MAX_ECHO): string {
  const whole = wordOf(text);
  const kept = whole.slice(0, most).replaceAll(UNSAFE, escaped);
  return whole.length > most ? `${kept}… (${whole.length} characters)` : kept;
}
