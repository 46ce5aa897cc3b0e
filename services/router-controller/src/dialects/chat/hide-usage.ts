/** Takes back what asking for usage has changed in a stream. */
import type { EventKind } from '../answer-reader.ts';
import { cutMember } from '../cut-member.ts';
import { parseJson } from '../json.ts';
import type { SseEvent } from '../sse.ts';

/** What every chunk has, or what only tells how it was made: an event of nothing else is there for its usage alone. */
const BOOKKEEPING: ReadonlySet<string> = new Set([
  'id',
  'object',
  'created',
  'model',
  'choices',
  'usage',
  'system_fingerprint',
  'service_tier',
  'provider',
  'obfuscation',
  'timings',
  'nvext',
]);

const isEmpty = (value: unknown) =>
  value === null || value === '' || (typeof value === 'object' && Object.keys(value as object).length === 0);

const USAGE = Buffer.from('"usage"');

/**
 * An event as it would be without the router's `include_usage`: the usage event goes, `"usage":null` in the others is cut
 * out. Where the usage event holds more, as citations, that passes.
 */
export function withoutUsage({ bytes, data, piece }: SseEvent, kind: EventKind): Buffer | null {
  if (piece || data === null || !bytes.includes(USAGE)) return bytes;
  if (kind === 'usage') {
    const members = Object.entries((parseJson(data) ?? {}) as object);
    if (members.every(([name, value]) => BOOKKEEPING.has(name) || isEmpty(value))) return null;
  }
  // Beside content, numbers are the upstream's own habit, and `null` is what the option makes of it.
  const which = (value: string) => kind !== 'content' || value === 'null';
  // Latin-1 has one character for each byte, and all that is looked for is ASCII.
  const text = bytes.toString('latin1');
  return Buffer.from(cutMember(text, text.search(/^data:/m), 'usage', which), 'latin1');
}
