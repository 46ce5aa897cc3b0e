/** A key as it is kept, in the configuration or in Redis: hashes only. */
import { hash, randomBytes } from 'node:crypto';
import {
  type KeyRights,
  keyRightsSchema,
  type OldSecret,
  oldSecretsSchema,
} from '../../config/schema-auth.ts';

export interface StoredKey extends KeyRights {
  /** Public; may be logged. */
  readonly id: string;
  /** `sha256:<hex>` of the secret. */
  readonly hash: string;
  /** Secrets from before a rotation that are still good for a while. */
  readonly previous?: readonly OldSecret[] | undefined;
  /** RFC 3339. */
  readonly created?: string | undefined;
  readonly updated?: string | undefined;
}

/** `sha256:<hex>` of a key, as the configuration holds it. Keys are 256 random bits, so a plain hash is enough. */
export function hashKey(key: string): string {
  return `sha256:${hash('sha256', key)}`;
}

/** A new key: 256 random bits behind a prefix that secret scanners can look for. */
export const newKey = (): string => `sk-llmr-${randomBytes(32).toString('base64url')}`;
export const newKeyId = (): string => `key_${randomBytes(6).toString('hex')}`;

/** Old secrets that one key may have at a time. */
export const MAX_OLD_SECRETS = 4;

/** Its old secrets that are still good. */
export const livingSecrets = ({ previous = [] }: StoredKey, now = Date.now()): OldSecret[] =>
  previous.filter(({ until }) => Date.parse(until) > now);

/**
 * The key as it stands for who has shown a secret with this hash: one from before a rotation ends when its time is over.
 *
 * @returns null: the key does not have this secret any more.
 */
export function shownBy(key: StoredKey, hash: string): StoredKey | null {
  if (hash === key.hash) return key;
  const until = key.previous?.find((old) => old.hash === hash)?.until;
  if (until === undefined) return null;
  const ends = key.expires !== undefined && Date.parse(key.expires) < Date.parse(until) ? key.expires : until;
  return { ...key, expires: ends };
}

/** Checked anew: what another version wrote must not be taken for more than it says. */
export function readKey(text: string): StoredKey {
  const { id, hash, created, updated, previous, ...rights } = JSON.parse(text) as StoredKey;
  return {
    ...keyRightsSchema.parse(rights),
    id,
    hash,
    ...(previous !== undefined && { previous: oldSecretsSchema.parse(previous) }),
    ...(created !== undefined && { created }),
    ...(updated !== undefined && { updated }),
  };
}

/** A key as it is told to administrators: never a hash. */
export function toldKey({ hash: _hash, previous, ...key }: StoredKey) {
  const living = livingSecrets({ ...key, hash: '', previous });
  return {
    object: 'key',
    ...key,
    ...(living.length > 0 && { old_secrets_until: living.map(({ until }) => until) }),
  };
}
