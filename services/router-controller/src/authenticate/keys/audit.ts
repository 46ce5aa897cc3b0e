/** Who changed which key, when, and what: kept beside the keys, newest first, and told as lines of the log. */
import type { StoredKey } from './stored-key.ts';

/** Who does something. */
export interface Actor {
  /** Name of the admin token, or `cli:USER`. */
  readonly by: string;
  /** Address that the call came from; absent for the command line. */
  readonly from?: string | undefined;
}

export type KeyAction =
  | 'created'
  | 'changed'
  | 'disabled'
  | 'enabled'
  | 'rotated'
  | 'overlap ended'
  | 'revoked';

export interface AuditEntry extends Actor {
  /** RFC 3339. */
  readonly at: string;
  readonly action: KeyAction;
  readonly key_id: string;
  readonly tenant: string;
  /** Fields that differ, before and after. Never a secret or its hash. */
  readonly changes?: Readonly<Record<string, { readonly before?: unknown; readonly after?: unknown }>>;
}

/** Entries kept; the oldest ones go. One takes some 300 bytes. */
export const AUDIT_KEPT = 10_000;

const SECRET: ReadonlySet<string> = new Set(['hash', 'previous', 'updated', 'created', 'id']);

/** What of a key differs, by field. */
export function changesOf(before: StoredKey | null, after: StoredKey | null): AuditEntry['changes'] {
  const [old, now] = [before ?? {}, after ?? {}] as Record<string, unknown>[];
  const fields = [...new Set([...Object.keys(old!), ...Object.keys(now!)])].filter(
    (field) => !SECRET.has(field) && JSON.stringify(old![field]) !== JSON.stringify(now![field]),
  );
  if (fields.length === 0) return undefined;
  return Object.fromEntries(
    fields.map((field) => [
      field,
      {
        ...(old![field] !== undefined && { before: old![field] }),
        ...(now![field] !== undefined && { after: now![field] }),
      },
    ]),
  );
}
