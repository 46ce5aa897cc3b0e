/** Changes top-level members of a JSON body in place: every other byte stays as the client sent it. */
import { type JsonScanner, type Member, scan } from './scanner.ts';

/** What becomes of members by name: JSON text that replaces the value (or is added), or null to take it out. */
export type Edits = Readonly<Record<string, string | null>>;

/** What is known of a body's bytes; made while it was received. */
export type Layout = Pick<JsonScanner, 'members' | 'rootStart'>;

/** Bytes from one place to another, or a text. */
type Part = { readonly from: number; to: number } | string;

/** Puts parts together; what stands side by side in the source is copied at once. */
class Joined {
  readonly #source: Buffer;
  readonly #parts: Part[] = [];
  #length = 0;

  constructor(source: Buffer) {
    this.#source = source;
  }

  keep(from: number, to: number): void {
    this.#length += to - from;
    const last = this.#parts.at(-1);
    if (typeof last === 'object' && last.to === from) last.to = to;
    else this.#parts.push({ from, to });
  }

  add(text: string): void {
    this.#length += Buffer.byteLength(text);
    this.#parts.push(text);
  }

  bytes(): Buffer {
    const out = Buffer.allocUnsafe(this.#length);
    let at = 0;
    for (const part of this.#parts)
      at += typeof part === 'string' ? out.write(part, at) : this.#source.copy(out, at, part.from, part.to);
    return out;
  }
}

/**
 * @param layout of these bytes; the root must be an object.
 * @returns the same bytes where nothing is to be changed.
 */
export function splice(bytes: Buffer, { members, rootStart }: Layout, edits: Edits): Buffer {
  const here = new Set(members.map(({ name }) => name));
  const missing = Object.keys(edits).filter((name) => edits[name] !== null && !here.has(name));
  const editOf = ({ name }: Member) => (Object.hasOwn(edits, name) ? edits[name] : undefined);
  if (missing.length === 0 && members.every((member) => editOf(member) === undefined)) return bytes;
  const out = new Joined(bytes);
  out.keep(0, members[0]?.start ?? rootStart + 1);
  const added = missing.map((name) => `${JSON.stringify(name)}:${edits[name]!}`).join(',');
  if (added !== '') out.add(members.some((member) => editOf(member) !== null) ? `${added},` : added);
  let isFirst = true;
  for (const [index, member] of members.entries()) {
    const edit = editOf(member);
    if (edit === null) continue;
    // The bytes between two members are those before the later one: its comma and its white space.
    if (!isFirst) out.keep(members[index - 1]!.end, member.start);
    isFirst = false;
    if (edit === undefined) out.keep(member.start, member.end);
    else {
      out.keep(member.start, member.valueStart);
      out.add(edit);
    }
  }
  out.keep(members.at(-1)?.end ?? rootStart + 1, bytes.length);
  return out.bytes();
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
