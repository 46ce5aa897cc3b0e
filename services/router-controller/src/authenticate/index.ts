/** authenticate: who is calling. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { AuthConfig, ConfigFile } from '../config/schema.ts';
import { RouterError } from '../errors.ts';
import type { Metrics } from '../observe/index.ts';
import type { Caller } from '../request.ts';
import { FailureLimiter } from './failures.ts';

/** Name of what a key carries itself; no name in the file can be the same. */
const OWN = 'key:own';

export const ANONYMOUS: Caller = { id: 'anonymous', tenant: 'default', policies: null, targets: null };

/** `sha256:<hex>` of a key, as the configuration holds it. Keys are 256 random bits, so a plain hash is enough. */
export function hashKey(key: string): string {
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const address = host.replace(/^::ffff:/, '');
  return isIP(address) === 4 ? address.startsWith('127.') : address === '::1';
}

/**
 * Whether keys are asked for. `auto`: as soon as keys are configured, and always on an address that others reach.
 *
 * @throws Error when keys are needed and there are none: nobody could call.
 */
export function keysRequired(file: ConfigFile): boolean {
  const { mode, keys } = file.auth;
  if (mode === 'open') return false;
  const required = mode === 'required' || keys.length > 0 || !isLoopback(file.server.host);
  if (required && keys.length === 0) {
    throw new Error(
      `auth.keys is empty, but keys are required on ${file.server.host}: add a key (npm run keys), listen on 127.0.0.1, ` +
        'or ask for an open door by name with auth.mode: open',
    );
  }
  return required;
}

export class Authenticator {
  readonly #required: boolean;
  readonly #keys: AuthConfig['keys'];
  readonly #hashes: Map<string, Buffer>;
  readonly #failures: FailureLimiter;
  readonly #metrics: Metrics;

  constructor(file: ConfigFile, metrics: Metrics) {
    this.#required = keysRequired(file);
    this.#keys = file.auth.keys;
    this.#hashes = new Map(file.auth.keys.map((key) => [key.id, Buffer.from(key.hash)]));
    this.#failures = new FailureLimiter(file.auth.failures_per_minute);
    this.#metrics = metrics;
  }

  #fail(address: string, reason: 'missing' | 'unknown' | 'expired', message: string): RouterError {
    this.#metrics.authFailures.inc({ reason });
    this.#failures.note(address);
    return new RouterError('invalid_api_key', message);
  }

  /**
   * Finds the caller of a request by its `authorization: Bearer KEY`.
   *
   * @throws RouterError invalid_api_key, or rate_limit_exceeded after too many failures from the address.
   */
  authenticate(headers: Readonly<Record<string, string | string[] | undefined>>, address: string): Caller {
    if (!this.#required) return ANONYMOUS;
    const wait = this.#failures.waitMs(address);
    if (wait > 0) {
      throw new RouterError(
        'rate_limit_exceeded',
        'Too many failed attempts from this address; try again later',
        {
          headers: {
            'retry-after': String(Math.ceil(wait / 1000)),
            'retry-after-ms': String(Math.ceil(wait)),
          },
        },
      );
    }
    const match = /^Bearer\s+(\S+)$/i.exec(String(headers.authorization ?? ''));
    if (!match) {
      throw this.#fail(address, 'missing', 'No API key: send it as `Authorization: Bearer KEY`');
    }
    const given = Buffer.from(hashKey(match[1]!));
    // Every hash is compared, whatever matches first, so that time tells nothing.
    let found: AuthConfig['keys'][number] | undefined;
    for (const key of this.#keys) if (timingSafeEqual(given, this.#hashes.get(key.id)!)) found = key;
    if (!found) throw this.#fail(address, 'unknown', 'Incorrect API key provided');
    if (found.expires && Date.parse(found.expires) <= Date.now()) {
      throw this.#fail(address, 'expired', `This API key (${found.id}) expired at ${found.expires}`);
    }
    return {
      id: found.id,
      tenant: found.tenant,
      policies: found.policies ?? null,
      targets: found.targets ?? null,
      ...(found.limits && { limits: { name: OWN, scope: 'key', shadow: false, ...found.limits } }),
      ...(found.budget && { budget: { name: OWN, scope: 'key', shadow: false, ...found.budget } }),
    };
  }
}

/** @throws RouterError permission_denied when the caller's key is not for this policy. */
export function checkPolicyAllowed(caller: Caller, policy: string): void {
  if (caller.policies === null || caller.policies.includes(policy)) return;
  throw new RouterError(
    'permission_denied',
    `This key may not use policy '${policy}'; it may use: ${caller.policies.join(', ')}`,
  );
}
