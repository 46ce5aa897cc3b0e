/** Keys of the configuration. */
import { timingSafeEqual } from 'node:crypto';
import type { AuthConfig } from '../../config/schema.ts';
import { type StoredKey, shownBy } from './stored-key.ts';

export class ConfiguredKeys {
  readonly #keys: readonly StoredKey[];
  readonly #secrets: readonly { readonly key: StoredKey; readonly hash: Buffer }[];

  constructor(keys: AuthConfig['keys']) {
    this.#keys = keys;
    this.#secrets = keys.flatMap((key) =>
      [key.hash, ...(key.previous ?? []).map(({ hash }) => hash)].map((hash) => ({
        key,
        hash: Buffer.from(hash),
      })),
    );
  }

  has(id: string): boolean {
    return this.get(id) !== null;
  }

  get(id: string): StoredKey | null {
    return this.#keys.find((key) => key.id === id) ?? null;
  }

  list(): readonly StoredKey[] {
    return this.#keys;
  }

  /** Every hash is compared, whatever matches first, so that time tells nothing. */
  find(hash: string): StoredKey | null {
    const given = Buffer.from(hash);
    let found: StoredKey | null = null;
    for (const { key, hash: known } of this.#secrets) if (timingSafeEqual(given, known)) found = key;
    return found && shownBy(found, hash);
  }
}
