/** Takes back what asking for usage has changed in a stream. */
import type { EventKind } from '../answer-reader.ts';
import { type Cut, findMember } from '../cut-member.ts';
import { parseJson } from '../json.ts';
import type { SseEvent } from '../sse.ts';
import { type Known, mayHaveUsage } from './shape.ts';

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

/** Before and after the data of an event that is one line. */
const FIELD = 'data: '.length;
const BLANK = 0x20;
const FRAME = FIELD + '\n\n'.length;

/**
 * An event as it would be without the router's `include_usage`: the usage event goes, `"usage":null` in the others is cut
 * out. Where the usage event holds more, as citations, that passes.
 *
 * @param known null: the event was not known by its shape
 */
export function withoutUsage(event: SseEvent, kind: EventKind, known: Known | null): Buffer | null {
  const { bytes, data, piece } = event;
  if (piece || data === null) return bytes;
  if (known?.usage === null || !mayHaveUsage(data)) return bytes;
  if (known?.usage && isOneLine(bytes, data)) {
    const { from, to } = known.usage;
    const begin = FIELD + Buffer.byteLength(data.slice(0, from));
    // It is ASCII.
    return without(bytes, { from: begin, to: begin + (to - from) });
  }
  if (kind === 'usage') {
    const members = Object.entries((parseJson(data) ?? {}) as object);
    if (members.every(([name, value]) => BOOKKEEPING.has(name) || isEmpty(value))) return null;
  }
  // Beside content, numbers are the upstream's own habit, and `null` is what the option makes of it.
  const which = (value: string) => kind !== 'content' || value === 'null';
  // Latin-1 has one character for each byte, and all that is looked for is ASCII.
  const text = bytes.toString('latin1');
  const found = findMember(text, text.search(/^data:/m), 'usage', which);
  return found ? without(bytes, found) : bytes;
}

/** With the blank in its place no shorter event holds the data, and one of this length nothing else. */
const isOneLine = (bytes: Buffer, data: string) =>
  bytes[FIELD - 1] === BLANK && bytes.length === FRAME + Buffer.byteLength(data);

const without = (bytes: Buffer, { from, to }: Cut): Buffer =>
  Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
