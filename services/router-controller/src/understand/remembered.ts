/** What pure readings have said of texts that come again: a client sends its system prompt with every request. */
import { lru } from '../lru.ts';

/** Texts that are kept, and the longest of them, UTF-16 units. */
const MOST_TEXTS = 200;
const MOST_CHARS = 4_000;

/**
 * The same reading, which does its work once a text.
 *
 * @param read pure; what it returns is not changed by anybody.
 */
export function remembered<Reading>(read: (text: string) => Reading): (text: string) => Reading {
  const known = lru<{ readonly reading: Reading }>(MOST_TEXTS);
  return (text) => {
    if (text.length > MOST_CHARS) return read(text);
    let kept = known.get(text);
    if (!kept) {
      kept = { reading: read(text) };
      known.set(text, kept);
    }
    return kept.reading;
  };
}
