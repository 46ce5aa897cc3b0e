/** The word that somebody meant who wrote another one. */

/** Names and options are no longer, so a longer word is no slip of a finger; and a client may send megabytes. */
const MAX_WORD = 120;

/**
 * Edits between two words; two neighbours in the wrong order are one edit, for that is how people mistype. Three rows, and
 * of each only the cells that can still lead to `most`.
 *
 * @returns any number over `most` when there are more.
 */
function distance(a: string, b: string, most: number): number {
  const far = most + 1;
  if (Math.abs(a.length - b.length) > most) return far;
  let above2: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = new Array<number>(b.length + 1).fill(far);
    if (i <= most) row[0] = i;
    const last = Math.min(b.length, i + most);
    for (let j = Math.max(1, i - most); j <= last; j++) {
      const change = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, above2[j - 2]! + 1);
    }
    above2 = above;
    above = row;
  }
  return above[b.length]!;
}

const fold = (word: string) => word.toLowerCase().replaceAll(/[\s_-]/g, '');

/** The known word that was probably meant, or null when none is near or the word is longer than any name. */
export function nearest(word: string, known: Iterable<string>): string | null {
  if (word.length > MAX_WORD) return null;
  const folded = fold(word);
  let best: string | null = null;
  let allowed = Math.max(1, Math.floor(word.length / 3));
  for (const candidate of known) {
    const d = distance(folded, fold(candidate), allowed);
    if (d > allowed) continue;
    best = candidate;
    if (d === 0) break;
    // The first of equally near ones stays.
    allowed = d - 1;
  }
  return best;
}

/** ` Did you mean 'x'?`, or nothing. */
export function hint(word: string, known: Iterable<string>): string {
  const near = nearest(word, known);
  return near === null ? '' : ` Did you mean '${near}'?`;
}
