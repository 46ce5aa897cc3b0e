import { createHash } from 'node:crypto';
import type { Target } from '../../config/types.ts';

const known = new WeakMap<Target, string>();

/**
 * What makes a target the same upstream after a reload, which brings new objects: where it is, whose key, which model.
 * Breakers, pools and observed times outlive a reload by it. Safe to keep: the key is hashed.
 */
export function targetKey(target: Target): string {
  let key = known.get(target);
  if (key === undefined) {
    const { id, apiBase, prefix, chatPath, query, apiKey, model, timeouts, headers, proxy, tls } = target;
    const parts = [
      [id, apiBase, prefix, chatPath, query, apiKey?.reveal() ?? null, model, timeouts.connect_ms, headers],
      proxy && proxy !== 'none' ? proxy.reveal() : proxy,
      tls && { ...tls, key: tls.key?.reveal() ?? null },
    ];
    key = createHash('sha256').update(JSON.stringify(parts)).digest('base64');
    known.set(target, key);
  }
  return key;
}

/** Keeps of a map, keyed by target key, only what belongs to these targets; tells what went. */
export function keepOnly<V>(map: Map<string, V>, targets: Iterable<Target>): V[] {
  const kept = new Set([...targets].map(targetKey));
  const gone: V[] = [];
  for (const [key, value] of map) {
    if (kept.has(key)) continue;
    map.delete(key);
    gone.push(value);
  }
  return gone;
}
