/** Bounded memories: what was not used for longest is forgotten first. */
import { LRUCache } from 'lru-cache';

/**
 * An LRU cache that grows as it fills. With `max`, lru-cache takes the memory of all its entries at once: the bounds of ours, which
 * most never come near, took 20 MB.
 *
 * @param most entries kept.
 * @param ttl how long one is kept, ms; default: until others push it out.
 */
export const lru = <Value extends object | string | number | true>(
  most: number,
  ttl?: number,
): LRUCache<string, Value> =>
  new LRUCache({ maxSize: most, sizeCalculation: () => 1, ...(ttl !== undefined && { ttl }) });
