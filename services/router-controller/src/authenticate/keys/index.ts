/** Keys: made here, kept as hashes only, in the configuration or in Redis, and changed under somebody's name. */
export { type Actor, type AuditEntry, changesOf } from './audit.ts';
export { ConfiguredKeys } from './configured-keys.ts';
export { type Changed, RedisKeys, TooManySecrets } from './redis-keys.ts';
export {
  hashKey,
  livingSecrets,
  newKey,
  newKeyId,
  type StoredKey,
  toldKey,
} from './stored-key.ts';
