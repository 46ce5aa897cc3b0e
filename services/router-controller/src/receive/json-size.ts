/** How large a value is as JSON, for estimates: what is big is added up, not written out, which would hold the event loop. */
import { byteLength } from './long-text.ts';

/** Up to here the size is exact. */
const EXACT_BYTES = 64 * 1024;
/** Quotes, a colon and a comma. */
const AROUND_NAME = 4;
const AROUND_TEXT = 3;

/** UTF-8 bytes of a value's JSON; above 64 KiB nearly so, escapes aside. */
export function jsonSize(value: unknown): number {
  const rough = added(value);
  return rough > EXACT_BYTES ? rough : byteLength(JSON.stringify(value) ?? '');
}

function added(value: unknown): number {
  if (typeof value === 'string') return byteLength(value) + AROUND_TEXT;
  if (value === null || typeof value !== 'object') return String(value).length + 1;
  let sum = 2;
  if (Array.isArray(value)) for (const item of value) sum += added(item);
  else for (const [name, member] of Object.entries(value)) sum += name.length + AROUND_NAME + added(member);
  return sum;
}
