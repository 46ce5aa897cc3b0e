/**
 * The secrets that this process holds, and their removal from all that leaves it: answers, headers, errors, log lines. They are
 * known by their values, so that it does not matter how a key looks or who repeats it.
 */
import { isDeepStrictEqual } from 'node:util';
import { formsOf, isTooWeak, partsOf } from './forms.ts';
import { MaskedStream, masked } from './masked.ts';
import { Matcher } from './matcher.ts';

export { isTooWeak, MIN_SECRET_BYTES } from './forms.ts';
export { guardResponses } from './guard-response.ts';
export { MaskedStream } from './masked.ts';

/** Values of a configuration that has been replaced are still with requests that began on it; so many are kept. */
const KEPT_GENERATIONS = 16;

export class KnownSecrets {
  /** By who holds them; the newest values last. */
  readonly #held = new Map<object, (readonly string[])[]>();
  #matcher: Matcher | null = null;

  /**
   * Takes note of what the owner holds now. Values that can't be told from honest text are left out ({@link isTooWeak}).
   *
   * @param values keys, passwords, whole header values.
   */
  know(owner: object, values: readonly string[]): void {
    const before = this.#held.get(owner) ?? [];
    if (before.length > 0 && isDeepStrictEqual(before.at(-1), values)) return;
    this.#held.set(owner, [...before, values].slice(-KEPT_GENERATIONS));
    this.#rebuild();
  }

  /** The owner has ended. */
  forget(owner: object): void {
    if (this.#held.delete(owner)) this.#rebuild();
  }

  #rebuild(): void {
    const values = new Set([...this.#held.values()].flat(2).flatMap(partsOf));
    const forms = new Set([...values].filter((value) => !isTooWeak(value)).flatMap(formsOf));
    // Long forms of one secret hold short ones of it; each is a pattern of its own.
    this.#matcher = forms.size === 0 ? null : new Matcher([...forms].map((form) => Buffer.from(form)));
  }

  /** The same bytes, not copied, where no secret is in them. */
  bytes(bytes: Buffer): Buffer {
    return this.#matcher ? masked(this.#matcher, bytes) : bytes;
  }

  /** The same for a text. */
  text(text: string): string {
    // No character has more than three bytes a unit.
    if (!this.#matcher || text.length * 3 < this.#matcher.shortest) return text;
    const bytes = Buffer.from(text);
    const clean = masked(this.#matcher, bytes);
    return clean === bytes ? text : clean.toString('utf8');
  }

  /** The beginning of a text: a cut would leave half a secret, which nobody knows again, so it comes afterwards. */
  excerpt(text: string, most: number): string {
    // Any secret that begins before the cut is whole in so much of it.
    return this.text(text.slice(0, most + (this.#matcher?.longest ?? 0))).slice(0, most);
  }

  /** For a body that comes in chunks; null: there are no secrets. */
  stream(): MaskedStream | null {
    return this.#matcher && new MaskedStream(this.#matcher);
  }
}

/** Of this process: whatever it holds must not leave it, whoever of its parts says it. */
export const secrets = new KnownSecrets();
