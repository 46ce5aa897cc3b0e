/** authenticate: who is calling. */
import { isLoopback } from '../config/loopback.ts';
import type { ConfigFile } from '../config/schema.ts';
import { RouterError } from '../errors.ts';
import type { Metrics } from '../observe/index.ts';
import { RedisUnavailable, type RedisVisit, type SharedRedis } from '../redis/index.ts';
import type { Caller } from '../request.ts';
import { FailureLimiter, failuresAllowed } from './failures.ts';
import { JwtVerifier, looksLikeJwt, TokenRefused } from './jwt.ts';
import { ConfiguredKeys, hashKey, RedisKeys, type StoredKey } from './keys/index.ts';

export {
  type Actor,
  type AuditEntry,
  type Changed,
  ConfiguredKeys,
  changesOf,
  hashKey,
  livingSecrets,
  newKey,
  newKeyId,
  RedisKeys,
  type StoredKey,
  TooManySecrets,
  toldKey,
} from './keys/index.ts';
export {
  checkPolicyAllowed,
  mayReach,
  mayUsePolicy,
  mayUseTarget,
  type Rights,
  targetsOf,
  type VisibleEntry,
  type VisiblePolicy,
  type VisibleTable,
  visibleEntries,
  visibleTo,
} from './rights.ts';

/** Name of what a key carries itself; no name in the file can be the same. */
const OWN = 'key:own';

export const ANONYMOUS: Caller = { id: 'anonymous', tenant: 'default', policies: null, targets: null };

/**
 * Whether keys are asked for. `auto`: as soon as there can be any, and always on an address that others reach.
 *
 * @throws Error when keys are needed and there can be none: nobody could call.
 */
export function keysRequired(file: ConfigFile): boolean {
  const required = asksForKeys(file);
  if (!required && file.server.cors_origins.includes('*'))
    throw new Error(
      "server.cors_origins: '*' would let every web page call a router without keys; list the origins",
    );
  return required;
}

function asksForKeys(file: ConfigFile): boolean {
  const { mode, keys, keys_in_redis, jwt } = file.auth;
  if (mode === 'open') return false;
  const some = keys.length > 0 || keys_in_redis || jwt !== undefined;
  const required = mode === 'required' || some || !isLoopback(file.server.host);
  if (required && !some) {
    throw new Error(
      `auth.keys is empty, but keys are required on ${file.server.host}: add a key (npm run keys), set auth.jwt or ` +
        'auth.keys_in_redis, listen on 127.0.0.1, or ask for an open door by name with auth.mode: open',
    );
  }
  if (keys_in_redis && !file.redis)
    throw new Error('auth.keys_in_redis is set, but there is no `redis` section that says where Redis is');
  return required;
}

/**
 * A reload opens no door by what a file has lost: keys that are gone, a file cut short. Whoever wants an open one says so.
 *
 * @throws Error when keys were asked for, the next file has none, and it does not say `auth.mode: open`.
 */
export function checkDoor(before: ConfigFile, next: ConfigFile): void {
  if (!keysRequired(before) || keysRequired(next) || next.auth.mode === 'open') return;
  throw new Error(
    'auth: keys are asked for now and this file has none left, which would let everybody in; add a key, set auth.jwt or ' +
      'auth.keys_in_redis, or ask for an open door by name with auth.mode: open',
  );
}

export class Authenticator {
  readonly #required: boolean;
  readonly #configured: ConfiguredKeys;
  readonly #shared: RedisKeys | null;
  readonly #jwt: JwtVerifier | null;
  readonly #failures: FailureLimiter;
  readonly #metrics: Metrics;

  /** @param before of the configuration in force: failed attempts go on being counted. */
  constructor(
    file: ConfigFile,
    metrics: Metrics,
    redis: SharedRedis | null = null,
    before: Authenticator | null = null,
  ) {
    this.#required = keysRequired(file);
    this.#configured = new ConfiguredKeys(file.auth.keys);
    this.#shared = file.auth.keys_in_redis && redis ? new RedisKeys(redis, file.auth.keys_fresh_ms) : null;
    this.#jwt = file.auth.jwt ? new JwtVerifier(file.auth.jwt) : null;
    this.#failures = new FailureLimiter(failuresAllowed(file), before === null ? null : before.#failures);
    this.#metrics = metrics;
  }

  /** Nobody is asked for a key. */
  get isOpen(): boolean {
    return !this.#required;
  }

  #fail(
    address: string,
    reason: 'missing' | 'unknown' | 'expired' | 'disabled',
    message: string,
  ): RouterError {
    this.#metrics.authFailures.inc({ reason });
    const refusal = this.#failures.refusal(address);
    if (refusal) return refusal;
    this.#failures.note(address);
    return new RouterError('invalid_api_key', message);
  }

  /**
   * Finds the caller of a request by its `authorization: Bearer KEY`, or by `x-api-key` (Anthropic's) or `api-key` (Azure's). A right key is let in whatever others have tried from
   * the same address: nobody guesses 256 random bits, and many clients may share a proxy.
   *
   * @throws RouterError invalid_api_key, in its place rate_limit_exceeded after too many failures from the address, or
   * auth_unavailable.
   */
  async authenticate(
    headers: Readonly<Record<string, string | string[] | undefined>>,
    address: string,
    visit?: RedisVisit,
  ): Promise<Caller> {
    if (!this.#required) return ANONYMOUS;
    const token = keyIn(headers);
    if (token === undefined)
      throw this.#fail(
        address,
        'missing',
        'No API key: send it as `Authorization: Bearer KEY`, or as `x-api-key` or `api-key`',
      );
    if (this.#jwt && looksLikeJwt(token)) {
      try {
        return await this.#jwt.verify(token);
      } catch (error) {
        if (!(error instanceof TokenRefused)) throw error;
        throw this.#fail(address, /expired/.test(error.message) ? 'expired' : 'unknown', error.message);
      }
    }
    const found = await this.#find(hashKey(token), visit);
    if (!found) throw this.#fail(address, 'unknown', 'Incorrect API key provided');
    if (found.expires && Date.parse(found.expires) <= Date.now())
      throw this.#fail(address, 'expired', `This API key (${found.id}) expired at ${found.expires}`);
    if (found.disabled) throw this.#fail(address, 'disabled', `This API key (${found.id}) is disabled`);
    return callerOf(found);
  }

  async #find(hash: string, visit?: RedisVisit): Promise<StoredKey | null> {
    const configured = this.#configured.find(hash);
    if (configured || !this.#shared) return configured;
    try {
      const found = await this.#shared.find(hash, visit);
      // Usage, limits and budgets go by the id: a key in Redis that has one of the file's would spend another's.
      return found && this.#configured.has(found.id) ? null : found;
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      throw new RouterError(
        'auth_unavailable',
        'This key can’t be checked now: Redis is away; try again shortly',
        {
          headers: { 'retry-after': '1' },
          cause: error,
        },
      );
    }
  }
}

/** The key as OpenAI's, Anthropic's and Azure's clients send it. */
function keyIn(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(String(headers.authorization ?? ''))?.[1];
  if (bearer !== undefined) return bearer;
  for (const name of ['x-api-key', 'api-key']) {
    const value = headers[name];
    if (typeof value === 'string' && /^\S+$/.test(value)) return value;
  }
  return undefined;
}

function callerOf({ id, tenant, policies, targets, limits, budget }: StoredKey): Caller {
  return {
    id,
    tenant,
    policies: policies ?? null,
    targets: targets ?? null,
    ...(limits && { limits: { name: OWN, scope: 'key', shadow: false, ...limits } }),
    ...(budget && { budget: { name: OWN, scope: 'key', shadow: false, ...budget } }),
  };
}
