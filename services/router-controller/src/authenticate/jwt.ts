/** Tokens of an identity provider. */
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { JwtConfig } from '../config/schema-auth.ts';
import { RouterError } from '../errors.ts';
import type { Caller } from '../request.ts';

/** The provider's keys are read anew when an unknown one signs, at most this often. */
const COOLDOWN_MS = 30_000;
const FETCH_MS = 3_000;

/** Three parts, and the first is JSON: no key of ours looks like this. */
export const looksLikeJwt = (token: string): boolean => /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(token);

/** Why a token is refused, in words for its sender. */
export class TokenRefused extends Error {}

export class JwtVerifier {
  readonly #config: JwtConfig;
  readonly #keys: JWTVerifyGetKey;

  constructor(config: JwtConfig, keys?: JWTVerifyGetKey) {
    this.#config = config;
    this.#keys =
      keys ??
      createRemoteJWKSet(new URL(config.jwks_url), {
        cooldownDuration: COOLDOWN_MS,
        timeoutDuration: FETCH_MS,
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
    const tenant = payload[tenant_claim];
    if (typeof tenant !== 'string' || tenant === '')
      throw new TokenRefused(`The token has no text in its claim '${tenant_claim}', which names the tenant`);
    let policies: string[] | null = null;
    if (policies_claim !== undefined) {
      const listed = payload[policies_claim];
      const all = typeof listed === 'string' ? listed.split(/[\s,]+/) : Array.isArray(listed) ? listed : [];
      policies = all.filter((name): name is string => typeof name === 'string' && name !== '');
    }
    return { id: `jwt:${payload.sub}`, tenant, policies, targets: null };
  }
}
