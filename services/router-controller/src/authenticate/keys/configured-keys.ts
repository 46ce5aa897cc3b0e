/** Keys of the configuration. */
import type { AuthConfig } from '../../config/schema.ts';
import { type StoredKey, shownBy } from './stored-key.ts';

export class ConfiguredKeys {
  readonly #byId: ReadonlyMap<string, StoredKey>;
  /** A rotated key's earlier secrets are its own, too. */
  readonly #byHash: ReadonlyMap<string, StoredKey>;

  constructor(keys: AuthConfig['keys']) {
    this.#byId = new Map(keys.map((key) => [key.id, key]));
    this.#byHash = new Map(
      keys.flatMap((key) =>
        [key.hash, ...(key.previous ?? []).map(({ hash }) => hash)].map((hash) => [hash, key] as const),
      ),
    );
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  get(id: string): StoredKey | null {
    return this.#byId.get(id) ?? null;
  }

  list(): readonly StoredKey[] {
    return [...this.#byId.values()];
  }

  /**
   * However many keys there are, one look. Its time tells nothing about a key: what is looked for is the SHA-256 of what was
   * given, and nobody can bring that near to another's.
   */
  find(hash: string): StoredKey | null {
    const key = this.#byHash.get(hash);
    return key === undefined ? null : shownBy(key, hash);
  }
}
