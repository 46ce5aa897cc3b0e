/** Takes back what asking for usage has changed in a stream. */
import type { EventKind } from '../answer-reader.ts';
import { type Cut, cutMember } from '../cut-member.ts';
import { parseJson } from '../json.ts';
import type { SseEvent } from '../sse.ts';
import type { Known } from './shape.ts';

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

/** The name's end: looking for a quote first would stop at each of an event's. */
const USAGE = 'usage"';

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
  if (known?.usage === null || !data.includes(USAGE)) return bytes;
  if (known?.usage && isOneLine(bytes, data)) return cut(bytes, data, known.usage);
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

/** With the blank in its place no shorter event holds the data, and one of this length nothing else. */
const isOneLine = (bytes: Buffer, data: string) =>
  bytes[FIELD - 1] === BLANK && bytes.length === FRAME + Buffer.byteLength(data);

function cut(bytes: Buffer, data: string, { from, to }: Cut): Buffer {
  const begin = FIELD + Buffer.byteLength(data.slice(0, from));
  const left = Buffer.allocUnsafe(bytes.length - (to - from));
  bytes.copy(left, 0, 0, begin);
  bytes.copy(left, begin, begin + (to - from));
  return left;
}
