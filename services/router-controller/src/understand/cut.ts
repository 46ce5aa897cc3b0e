/** Moves a cut off the middle of a surrogate pair, so that no half character is sent. */
function safeIndex(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff ? index + 1 : index;
}

/** Keeps head and tail: the request usually stands before or after what is pasted, not in its middle. */
export function cutMiddle(text: string, maxChars: number): { text: string; cut: boolean } {
  if (text.length <= maxChars) return { text, cut: false };
  const half = Math.floor((maxChars - 1) / 2);
  const head = text.slice(0, safeIndex(text, half));
  const tail = text.slice(safeIndex(text, text.length - half));
  return { text: `${head} ${tail}`, cut: true };
}
