/**
 * Things under way: added when they begin, removed when they end.
 *
 * A Set does the same, but not for the garbage collector. V8 replaces the table of a Set or Map that has seen as many removals
 * as it has places, and the dead table points to its successor. Once one of them has grown old, all later ones stay until the
 * next major collection, and with them all that they held when they were replaced: most of what was under way at any time. So
 * collections cost two to three times as much. Here places are used again, and an empty one holds nothing.
 */
export class InFlight<T extends object> implements Iterable<T> {
  readonly #places: (T | null)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#places.length - this.#free.length;
  }

  /** @returns its place, for {@link remove}. */
  add(item: T): number {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = item;
    return place;
  }

  /** @param place as {@link add} gave it; one that was given back is another's, so once only. */
  remove(place: number): void {
    this.#places[place] = null;
    this.#free.push(place);
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const item of this.#places) if (item !== null) yield item;
  }
}
