/** Names of functions, as OpenAI's chat completions take them. */
import { createHash } from 'node:crypto';

const MAX_NAME = 64;
const HASH_CHARS = 8;

/** A longer name is cut and kept apart from others by a hash; what chat does not allow in it becomes an underscore. */
export function functionName(name: string): string {
  const plain = name.replaceAll(/[^\w-]/g, '_');
  if (plain.length <= MAX_NAME && plain === name) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_CHARS);
  return `${plain.slice(0, MAX_NAME - HASH_CHARS - 1)}_${hash}`;
}
