/**
 * Ids of responses say which target made them, so that any replica of the router finds it again and nothing is kept. The
 * client sees `resp_lr1` + seal + the target's own id. The seal names the target and is bound to the tenant: an id that
 * another tenant got, or that was made up, opens nothing.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { allTargets, type RoutingTable, type Target } from '../config/types.ts';

/** Where a response lives, and what it is called there. */
export interface Origin {
  readonly target: Target;
  readonly id: string;
}

const TAG_BYTES = 6;
const SEAL_BYTES = 12;
const PREFIX = 'resp_';
/** Seal, whether the target's id has the prefix itself, and the rest of it. */
const SEALED = /^resp_lr1([\w-]{24})([pq])([\w.~-]{1,200})$/;

const tagOf = (target: Target) => createHash('sha256').update(target.id).digest().subarray(0, TAG_BYTES);

/** Every replica has the target's key; who knows it needs no seal. */
function sealOf(target: Target, tenant: string, id: string): Buffer {
  const secret = createHash('sha256')
    .update(JSON.stringify(['response id', target.id, target.apiBase, target.apiKey?.reveal() ?? null]))
    .digest();
  return createHmac('sha256', secret)
    .update(JSON.stringify([tenant, id]))
    .digest()
    .subarray(0, SEAL_BYTES);
}

/** The id as the client gets it; one that no URL could hold stays as it is, and opens nothing. */
export function sealId(id: string, target: Target, tenant: string): string {
  const rest = id.startsWith(PREFIX) ? id.slice(PREFIX.length) : id;
  const seal = Buffer.concat([tagOf(target), sealOf(target, tenant, id)]).toString('base64url');
  const sealed = `resp_lr1${seal}${rest === id ? 'q' : 'p'}${rest}`;
  return SEALED.test(sealed) ? sealed : id;
}

/** @returns null for an id that this router has not given to this tenant, or whose target has left the table. */
export function openId(sealed: string, table: RoutingTable, tenant: string): Origin | null {
  const [, text, kind, rest] = SEALED.exec(sealed.slice(0, 300)) ?? [];
  if (text === undefined || rest === undefined) return null;
  const seal = Buffer.from(text, 'base64url');
  const id = kind === 'p' ? PREFIX + rest : rest;
  const target = allTargets(table).find((each) => tagOf(each).equals(seal.subarray(0, TAG_BYTES)));
  if (!target || !timingSafeEqual(sealOf(target, tenant, id), seal.subarray(TAG_BYTES))) return null;
  return { target, id };
}

/** Members that hold a response's id. Any other text may be the same by chance, a member's own name even. */
const NAMED = /"(?:id|response_id|previous_response_id)"\s{0,8}:\s{0,8}$/;
/** Longest such name with its blanks. */
const BEFORE_BYTES = 48;

/** Puts one id in place of another where it stands as an id in JSON that goes by, across the borders of chunks. */
export class IdRewriter {
  readonly #from: Buffer;
  readonly #to: Buffer;
  #rest: Buffer = Buffer.alloc(0);
  /** The last bytes that went on. */
  #before: Buffer = Buffer.alloc(0);

  constructor(from: string, to: string) {
    this.#from = Buffer.from(`"${from}"`);
    this.#to = Buffer.from(`"${to}"`);
  }

  /** What can go on of this chunk; no more is held back than may be the beginning of the id. */
  push(chunk: Buffer): Buffer {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const parts: Buffer[] = [];
    let done = 0;
    for (let at = bytes.indexOf(this.#from); at >= 0; at = bytes.indexOf(this.#from, at + 1)) {
      if (at < done || !this.#isId(bytes, at)) continue;
      parts.push(bytes.subarray(done, at), this.#to);
      done = at + this.#from.length;
    }
    const held = this.#beginning(bytes.subarray(done));
    this.#rest = bytes.subarray(bytes.length - held);
    parts.push(bytes.subarray(done, bytes.length - held));
    const passed = bytes.subarray(0, bytes.length - held);
    this.#before = Buffer.concat([this.#before, passed.subarray(-BEFORE_BYTES)]).subarray(-BEFORE_BYTES);
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** What was held back. */
  end(): Buffer {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest;
  }

  #isId(bytes: Buffer, at: number): boolean {
    const near = bytes.subarray(Math.max(0, at - BEFORE_BYTES), at);
    const before = near.length < BEFORE_BYTES ? Buffer.concat([this.#before, near]) : near;
    return NAMED.test(before.subarray(-BEFORE_BYTES).toString('latin1'));
  }

  /** Bytes at the end that the id may begin with. */
  #beginning(bytes: Buffer): number {
    for (let length = Math.min(bytes.length, this.#from.length - 1); length > 0; length--)
      if (bytes.subarray(bytes.length - length).equals(this.#from.subarray(0, length))) return length;
    return 0;
  }
}

/** Seals the id of one answer, which is learned from its first event or its body. */
export class AnswerSeal {
  readonly #target: Target;
  readonly #tenant: string;
  readonly #rewriters: IdRewriter[] = [];
  #learned = false;

  /** @param earlier the response that it goes on from, as the client named it. */
  constructor(
    target: Target,
    tenant: string,
    earlier: { readonly told: string; readonly id: string } | null,
  ) {
    this.#target = target;
    this.#tenant = tenant;
    if (earlier) this.#rewriters.push(new IdRewriter(earlier.id, earlier.told));
  }

  /** A whole event, or a whole body. */
  seal(bytes: Buffer, json: () => unknown): Buffer {
    if (!this.#learned) this.#learn(json());
    return this.#rewriters.reduce((text, each) => Buffer.concat([each.push(text), each.end()]), bytes);
  }

  #learn(json: unknown): void {
    const { id, object, response } = (json ?? {}) as { id?: unknown; object?: unknown; response?: unknown };
    const own = object === 'response' ? id : (response as { id?: unknown } | undefined)?.id;
    if (typeof own !== 'string' || own === '') return;
    this.#learned = true;
    const sealed = sealId(own, this.#target, this.#tenant);
    if (sealed !== own) this.#rewriters.push(new IdRewriter(own, sealed));
  }
}
