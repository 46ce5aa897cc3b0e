/** YAML as people write it for other programs, too: YAML 1.2, and `<<`, by which a mapping takes over another's keys. */
import { CORE_SCHEMA, load, mergeTag, YAMLException } from 'js-yaml';

const SCHEMA = CORE_SCHEMA.withTags(mergeTag);

/** @param above what holds the node. @param seen what is known to end. @throws YAMLException */
function checkEnds(node: unknown, above: Set<object>, seen: Set<object>): void {
  if (typeof node !== 'object' || node === null || seen.has(node)) return;
  if (above.has(node)) throw new YAMLException('an alias stands inside of its own anchor');
  above.add(node);
  for (const each of Object.values(node)) checkEnds(each, above, seen);
  above.delete(node);
  seen.add(node);
}

/** @throws YAMLException with the place */
export function readYaml(text: string, filename?: string): unknown {
  const value = load(text, { schema: SCHEMA, ...(filename !== undefined && { filename }) });
  checkEnds(value, new Set(), new Set());
  return value;
}
