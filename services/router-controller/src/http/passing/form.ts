/** Finds the `model` field of a multipart form while it comes, so that the file beside it need not be held. */

/** Where the field's value stands. */
export interface FormField {
  readonly start: number;
  readonly end: number;
}

const BOUNDARY = /;\s?boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i;
/** Longest head of one part. */
const MAX_HEAD = 2_048;
const MODEL = /content-disposition:[^\r\n]{0,1000};\s?name="?model"?\s*(?:;|\r|$)/i;

export function boundaryOf(contentType: string): string | null {
  const found = BOUNDARY.exec(contentType.slice(0, 300));
  return found?.[1] ?? found?.[2] ?? null;
}

/** Looks for the field in what has come so far; each byte is searched once, however many pieces there are. */
export class FormReader {
  readonly #delimiter: Buffer;
  /** From here on delimiters are looked for. */
  #from = 0;

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`--${boundary}`);
  }

  /** A field as it would stand before all others. */
  part(name: string, value: string): Buffer {
    return Buffer.concat([
      this.#delimiter,
      Buffer.from(
        `\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value.replaceAll(/[\r\n]/g, '')}\r\n`,
      ),
    ]);
  }

  /** @returns the field, or null: it has not come yet, or not whole. */
  find(bytes: Buffer): FormField | null {
    for (;;) {
      const at = bytes.indexOf(this.#delimiter, this.#from);
      if (at < 0) {
        this.#from = Math.max(this.#from, bytes.length - this.#delimiter.length);
        return null;
      }
      const head = at + this.#delimiter.length;
      const end = bytes.subarray(head, head + MAX_HEAD).indexOf('\r\n\r\n');
      if (end < 0) {
        // Not all of the part's head is here yet, or it is none that a form has.
        if (bytes.length < head + MAX_HEAD) {
          this.#from = at;
          return null;
        }
        this.#from = head;
        continue;
      }
      const start = head + end + 4;
      if (!MODEL.test(bytes.toString('latin1', head, head + end))) {
        this.#from = start;
        continue;
      }
      const close = bytes.indexOf(`\r\n${this.#delimiter}`, start);
      this.#from = at;
      return close < 0 ? null : { start, end: close };
    }
  }
}

/**
 * The one `model` field of a whole form, read as RFC 2046 has it. For keys that are bound to models: what is judged must be
 * what the upstream reads, so a form that could be read otherwise is none.
 *
 * @returns null: it has none; 'unclear': two of them, a name in another spelling, or a head that is too long
 */
export function onlyModel(bytes: Buffer, boundary: string): FormField | null | 'unclear' {
  const delimiter = Buffer.from(`--${boundary}`);
  let found: FormField | null = null;
  for (let at = bytes.indexOf(delimiter); at >= 0; at = bytes.indexOf(delimiter, at + 1)) {
    const head = at + delimiter.length;
    if (bytes.subarray(head, head + 2).toString() === '--') return found;
    // One in the middle of a line ends no part to some readers, and does to others.
    if (at > 0 && bytes.subarray(at - 2, at).toString() !== '\r\n') return 'unclear';
    const end = bytes.subarray(head, head + MAX_HEAD).indexOf('\r\n\r\n');
    if (end < 0) return 'unclear';
    const text = bytes.toString('latin1', head, head + end);
    if (/\sname\*/i.test(text)) return 'unclear';
    if (!MODEL.test(text)) continue;
    const start = head + end + 4;
    const close = bytes.indexOf(`\r\n--${boundary}`, start);
    if (found || close < 0) return 'unclear';
    found = { start, end: close };
  }
  return 'unclear';
}
