/** Where one member of a JSON object is written, so that it can be taken out and every other byte stays as it was. */

const SPACE = /\s/;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACE = 0x7b;
const BRACE_END = 0x7d;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;

/** End of the string that begins at a quote: one past its closing quote. */
function endOfString(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
  return text.length;
}

/** From where to where it is written, with the comma that goes with it. */
export interface Cut {
  readonly from: number;
  readonly to: number;
}

/**
 * @param text holds one object; white space, or an SSE field's name, may stand between its tokens.
 * @param name plain ASCII
 * @param which which values of it are meant
 * @returns null: the object has no such member at its top, or one with another value.
 */
export function findMember(
  text: string,
  from: number,
  name: string,
  which: (value: string) => boolean = () => true,
): Cut | null {
  const quoted = `"${name}"`;
  let depth = 0;
  /** Where the current top-level member begins, and the comma before it; -1: none. */
  let member = -1;
  let comma = -1;
  let found = false;
  for (let at = text.indexOf('{', from); at >= 0 && at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      const end = endOfString(text, at);
      if (depth === 1 && member < 0) {
        member = at;
        found = text.startsWith(quoted, at) && end === at + quoted.length;
      }
      at = end - 1;
    } else if (char === BRACE || char === BRACKET) depth++;
    else if (char === COMMA || char === BRACE_END || char === BRACKET_END) {
      if (depth === 1) {
        if (found) {
          const value = text
            .slice(member + quoted.length, at)
            .replace(/^\s*:/, '')
            .trim();
          return which(value) ? cutOf(text, { comma, member, at }) : null;
        }
        member = -1;
        comma = char === COMMA ? at : -1;
      }
      if (char !== COMMA && --depth === 0) return null;
    }
  }
  return null;
}

/** @param place comma before the member or -1, the member's first byte, and what ends it. */
function cutOf(text: string, { comma, member, at }: { comma: number; member: number; at: number }): Cut {
  let to = at;
  while (SPACE.test(text[to - 1]!)) to--;
  if (comma >= 0) return { from: comma, to };
  // The first of several: the comma behind it goes with it.
  return { from: member, to: text.charCodeAt(at) === COMMA ? at + 1 : to };
}
