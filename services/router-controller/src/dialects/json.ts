/** JSON as upstreams write it: Python's `NaN` and `Infinity` are no JSON, and both ends read them all the same. */

/** Byte order mark, which some servers write before JSON and clients read over. */
const MARK = '\ufeff';
const STRINGS_AND_WORDS = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;

/** The value, with `null` for numbers that JSON lacks; undefined where it is no JSON even so. */
export function parseJson(written: string): unknown {
  const text = written.startsWith(MARK) ? written.slice(MARK.length) : written;
  try {
    return JSON.parse(text);
  } catch {
    if (!/NaN|Infinity/.test(text)) return undefined;
  }
  try {
    return JSON.parse(text.replace(STRINGS_AND_WORDS, (token) => (token.startsWith('"') ? token : 'null')));
  } catch {
    return undefined;
  }
}
