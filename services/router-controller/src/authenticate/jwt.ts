/** Tokens of an identity provider. */
import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { fetch, ProxyAgent } from 'undici';
import type { JwtConfig } from '../config/schema-auth.ts';
import { RouterError } from '../errors.ts';
import { proxyByEnv } from '../outgoing/proxy.ts';
import type { Caller } from '../request.ts';

/** The provider's keys are read anew when an unknown one signs, at most this often. */
const COOLDOWN_MS = 30_000;
const FETCH_MS = 3_000;

/** A hosted provider is outside like an upstream: the environment's proxy holds for it, too. */
function fetchByProxy(address: string): FetchImplementation | null {
  const proxy = proxyByEnv(address);
  if (proxy === null) return null;
  const dispatcher = new ProxyAgent(proxy);
  return async (url, { headers, method, redirect, signal }) => {
    const answer = await fetch(url, { headers: [...headers], method, redirect, signal, dispatcher });
    return new Response(await answer.arrayBuffer(), { status: answer.status });
  };
}

/** As long as a key's own tenant may be. */
const MAX_TENANT = 100;
const MAX_SUBJECT = 200;

/** A claim as a name, or null when it is none: no text, nothing, or too long for a key in Redis and a line of the log. */
const name = (claim: unknown, most: number): string | null =>
  typeof claim === 'string' && claim !== '' && claim.length <= most ? claim : null;

/**
 * `jwt:<tenant>:<subject>`: subjects are names within an organisation, and one person may be in two. A colon in the tenant is
 * written `%3A`, so that no tenant and subject can be put together to another's name.
 */
const identity = (tenant: string, subject: string): string =>
  `jwt:${tenant.replaceAll('%', '%25').replaceAll(':', '%3A')}:${subject}`;

/** Three parts, and the first is JSON: no key of ours looks like this. */
export const looksLikeJwt = (token: string): boolean => /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(token);

/** Why a token is refused, in words for its sender. */
export class TokenRefused extends Error {}

export class JwtVerifier {
  readonly #config: JwtConfig;
  readonly #keys: JWTVerifyGetKey;

  constructor(config: JwtConfig, keys?: JWTVerifyGetKey) {
    this.#config = config;
    const byProxy = fetchByProxy(config.jwks_url);
    this.#keys =
      keys ??
      createRemoteJWKSet(new URL(config.jwks_url), {
        cooldownDuration: COOLDOWN_MS,
        timeoutDuration: FETCH_MS,
        ...(byProxy && { [customFetch]: byProxy }),
      });
  }

  /**
   * @throws TokenRefused, or RouterError auth_unavailable when the provider's keys can't be read.
   */
  async verify(token: string): Promise<Caller> {
    const { issuer, audience, algorithms } = this.#config;
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        issuer,
        audience,
        algorithms,
        requiredClaims: ['sub', 'exp'],
      });
      return this.#caller(payload);
    } catch (error) {
      if (error instanceof TokenRefused) throw error;
      if (error instanceof errors.JWTExpired) throw new TokenRefused('The token has expired');
      if (error instanceof errors.JWTClaimValidationFailed)
        throw new TokenRefused(`The token’s claim '${error.claim}' is not as it must be`);
      if (
        error instanceof errors.JWSSignatureVerificationFailed ||
        error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JOSEAlgNotAllowed ||
        error instanceof errors.JWSInvalid ||
        error instanceof errors.JWTInvalid
      )
        throw new TokenRefused('The token’s signature is not of the issuer this router trusts');
      throw new RouterError(
        'auth_unavailable',
        'Tokens can’t be checked now: the issuer’s keys can’t be read',
        {
          headers: { 'retry-after': '1' },
          cause: error,
        },
      );
    }
  }

  #caller(payload: JWTPayload): Caller {
    const { tenant_claim, policies_claim } = this.#config;
    const tenant = name(payload[tenant_claim], MAX_TENANT);
    if (tenant === null)
      throw new TokenRefused(
        `The token has no text of at most ${MAX_TENANT} characters in its claim '${tenant_claim}', which names the tenant`,
      );
    const subject = name(payload.sub, MAX_SUBJECT);
    if (subject === null)
      throw new TokenRefused(
        `The token has no text of at most ${MAX_SUBJECT} characters in its claim 'sub', which names the caller`,
      );
    let policies: string[] | null = null;
    if (policies_claim !== undefined) {
      const listed = payload[policies_claim];
      const all = typeof listed === 'string' ? listed.split(/[\s,]+/) : Array.isArray(listed) ? listed : [];
      policies = all.filter((name): name is string => typeof name === 'string' && name !== '');
    }
    return { id: identity(tenant, subject), tenant, policies, targets: null };
  }
}
