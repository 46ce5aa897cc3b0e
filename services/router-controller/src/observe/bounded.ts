/** Names that come from outside the configuration, made fit for a label. */

/** So many tenants get series of their own; a Prometheus bears that, and a dashboard shows no more. */
const MOST = 100;
/** Everybody after them. */
export const OTHER = 'other';

export class BoundedNames {
  readonly #most: number;
  readonly #known = new Set<string>();

  constructor(most: number = MOST) {
    this.#most = most;
  }

  /** The name itself while there is room, and ever after; else {@link OTHER}. */
  label(name: string): string {
    if (this.#known.has(name)) return name;
    if (this.#known.size >= this.#most) return OTHER;
    this.#known.add(name);
    return name;
  }
}
