/**
 * The requests that were answered last, so that a score can be given. Each takes 24 bytes: its id as a hash, its time, and a reference to what is
 * to be known of it, which most have in common. A score looks through all of them: scores are rare, and 50,000 hashes are 200 KB.
 */

/** What is kept of a request for its score. */
export interface Kept {
  readonly policy: string;
  readonly target: string;
  /** P that its answer is good; null: nothing was weighed. */
  readonly quality: number | null;
  readonly propensity: number | null;
}

interface Note extends Kept {
  readonly tenant: string;
}

const FIRST_SIZE = 1_024;
/** Tenants may be as many as a provider of identities likes. */
const MOST_SHARED = 1_000;

/** Two hashes (FNV-1a, of two primes): the tenant stands beside them, so an id that meets another one's is of the same tenant. */
function hash(text: string, start: number, prime: number): number {
  let value = start;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), prime);
  return value >>> 0;
}
const firstHash = (id: string) => hash(id, 0x811c9dc5, 0x01000193);
const secondHash = (id: string) => hash(id, 0x2545f491, 0x5bd1e995);

const grown = <T extends Uint32Array | Float64Array>(before: T, after: T): T => {
  after.set(before);
  return after;
};

export class Answered {
  readonly #most: number;
  readonly #keepMs: number;
  /** A ring once it has `most` places; before, it grows. */
  #first: Uint32Array;
  #second: Uint32Array;
  #until: Float64Array;
  readonly #notes: Note[] = [];
  #next = 0;
  readonly #shared = new Map<string, Note>();

  /** @param most requests; the oldest is forgotten first. @param keepMs how long each is known. */
  constructor(most: number, keepMs: number) {
    this.#most = most;
    this.#keepMs = keepMs;
    const size = Math.min(most, FIRST_SIZE);
    this.#first = new Uint32Array(size);
    this.#second = new Uint32Array(size);
    this.#until = new Float64Array(size);
  }

  add(tenant: string, id: string, kept: Kept): void {
    if (this.#next === this.#first.length) this.#makeRoom();
    const at = this.#next++;
    this.#first[at] = firstHash(id);
    this.#second[at] = secondHash(id);
    this.#until[at] = Date.now() + this.#keepMs;
    this.#notes[at] = this.#noteOf(tenant, kept);
  }

  /** Null: not known, or no longer. */
  find(tenant: string, id: string): Kept | null {
    const newest = this.#next - 1;
    const at =
      this.#look(tenant, id, newest, 0) ?? this.#look(tenant, id, this.#first.length - 1, this.#next);
    if (at === null) return null;
    const { policy, target, quality, propensity } = this.#notes[at]!;
    return { policy, target, quality, propensity };
  }

  /** The newest of these places that is the request's. */
  #look(tenant: string, id: string, from: number, to: number): number | null {
    const [first, second, now] = [firstHash(id), secondHash(id), Date.now()];
    // A negative start would count from the end.
    for (let at = from; at >= to; at--) {
      at = this.#first.lastIndexOf(first, at);
      if (at < to) return null;
      if (this.#second[at] === second && this.#until[at]! > now && this.#notes[at]!.tenant === tenant)
        return at;
    }
    return null;
  }

  #makeRoom(): void {
    const size = Math.min(this.#most, this.#first.length * 2);
    if (size === this.#first.length) {
      this.#next = 0;
      return;
    }
    this.#first = grown(this.#first, new Uint32Array(size));
    this.#second = grown(this.#second, new Uint32Array(size));
    this.#until = grown(this.#until, new Float64Array(size));
  }

  #noteOf(tenant: string, kept: Kept): Note {
    const { policy, target, quality, propensity } = kept;
    if (quality !== null || propensity !== null) return { tenant, policy, target, quality, propensity };
    // With the lengths, no two of them make the same text.
    const key = `${tenant.length} ${policy.length} ${tenant}${policy}${target}`;
    const before = this.#shared.get(key);
    if (before) return before;
    if (this.#shared.size === MOST_SHARED) this.#shared.clear();
    const note = { tenant, policy, target, quality, propensity };
    this.#shared.set(key, note);
    return note;
  }
}
