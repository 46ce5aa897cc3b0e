/** Takes one member out of a JSON object, every other byte as it was. */

const SPACE = /\s/;

/** End of the string that begins at a quote: one past its closing quote. */
function endOfString(text: string, quote: number): number {
  for (let at = quote + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

/**
 * @param text holds one object; what stands before and after it stays, and so does white space, or an SSE field's name,
 * between its tokens.
 * @param name plain ASCII
 * @param which which values of it are taken out
 * @returns the text itself when the object has no such member at its top.
 */
export function cutMember(
  text: string,
  from: number,
  name: string,
  which: (value: string) => boolean = () => true,
): string {
  const quoted = `"${name}"`;
  let depth = 0;
  /** Where the current top-level member begins, and the comma before it; -1: none. */
  let member = -1;
  let comma = -1;
  let found = false;
  for (let at = text.indexOf('{', from); at >= 0 && at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') {
      const end = endOfString(text, at);
      if (depth === 1 && member < 0) {
        member = at;
        found = text.slice(at, end) === quoted;
      }
      at = end - 1;
    } else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']' || char === ',') {
      if (depth === 1) {
        if (found) {
          const value = text
            .slice(member + quoted.length, at)
            .replace(/^\s*:/, '')
            .trim();
          return which(value) ? without(text, { comma, member, at }) : text;
        }
        member = -1;
        comma = char === ',' ? at : -1;
      }
      if (char !== ',' && --depth === 0) return text;
    }
  }
  return text;
}

/** @param place comma before the member or -1, the member's first byte, and what ends it. */
function without(text: string, { comma, member, at }: { comma: number; member: number; at: number }): string {
  let end = at;
  while (SPACE.test(text[end - 1]!)) end--;
  if (comma >= 0) return text.slice(0, comma) + text.slice(end);
  // The first of several: the comma behind it goes with it.
  return text.slice(0, member) + text.slice(text[at] === ',' ? at + 1 : end);
}
