/** Changes top-level members of a JSON body in place: every other byte stays as the client sent it. */
import { type JsonScanner, type Member, scan } from './scanner.ts';

/** What becomes of members by name: JSON text that replaces the value (or is added), or null to take it out. */
export type Edits = Readonly<Record<string, string | null>>;

/** What is known of a body's bytes; made while it was received. */
export type Layout = Pick<JsonScanner, 'members' | 'rootStart'>;

/**
 * @param layout of these bytes; the root must be an object.
 * @returns the same bytes where nothing is to be changed.
 */
export function splice(bytes: Buffer, { members, rootStart }: Layout, edits: Edits): Buffer {
  const parts: (Buffer | string)[] = [];
  const missing = new Set(Object.keys(edits).filter((name) => edits[name] !== null));
  let kept: { index: number; member: Member } | null = null;
  let changed = false;
  const body: (Buffer | string)[] = [];
  for (const [index, member] of members.entries()) {
    const edit = Object.hasOwn(edits, member.name) ? edits[member.name] : undefined;
    missing.delete(member.name);
    if (edit === null) {
      changed = true;
      continue;
    }
    // The bytes between two members are those before the later one: its comma and its white space.
    if (kept) body.push(bytes.subarray(members[index - 1]!.end, member.start));
    if (edit === undefined) body.push(bytes.subarray(member.start, member.end));
    else {
      changed = true;
      body.push(bytes.subarray(member.start, member.valueStart), edit);
    }
    kept = { index, member };
  }
  if (!changed && missing.size === 0) return bytes;
  const first = members[0];
  const last = members.at(-1);
  parts.push(bytes.subarray(0, first ? first.start : rootStart + 1));
  const added = [...missing].map((name) => `${JSON.stringify(name)}:${edits[name]!}`).join(',');
  if (added !== '') parts.push(kept ? `${added},` : added);
  parts.push(...body, bytes.subarray(last ? last.end : rootStart + 1));
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

/** The bytes of a member's value, the last one where a name stands twice, as parsers take it; null: there is none. */
export function valueBytes(bytes: Buffer, { members }: Layout, name: string): Buffer | null {
  const member = members.findLast((each) => each.name === name);
  return member ? bytes.subarray(member.valueStart, member.end) : null;
}

const ANY = { maxDepth: Number.POSITIVE_INFINITY, maxValues: Number.POSITIVE_INFINITY };

/** Sets members of an object that is itself a value; anything else than an object is replaced. */
export function spliceObject(value: Buffer | null, edits: Edits): string {
  const layout = value && scan(value, ANY);
  if (!value || !layout || layout.rootStart < 0) {
    const set = Object.entries(edits).filter(([, text]) => text !== null);
    return `{${set.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
  }
  return splice(value, layout, edits).toString('utf8');
}
