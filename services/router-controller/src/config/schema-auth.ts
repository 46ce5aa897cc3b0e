/** Who may call: keys of this file, keys in Redis, tokens of an identity provider; and who may administer. */
import { z } from 'zod';
import { isLoopback } from './loopback.ts';
import { ownBudgetSchema, ownLimitSchema } from './schema-limits.ts';

/** What a key may do, wherever it is kept. */
export const keyRightsSchema = z.strictObject({
  name: z.string().max(200).optional().describe('For people'),
  tenant: z
    .string()
    .min(1)
    .max(100)
    .default('default')
    .describe('Whom it belongs to; limits and budgets may count it'),
  policies: z.array(z.string()).optional().describe('Policies this key may use; absent: all'),
  targets: z.array(z.string()).optional().describe('Targets this key may reach; absent: all'),
  expires: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('RFC 3339 time after which the key is refused'),
  limits: ownLimitSchema.optional().describe('Limits of this key alone, beside those for everybody'),
  budget: ownBudgetSchema.optional().describe('Budget of this key alone'),
});

export type KeyRights = z.infer<typeof keyRightsSchema>;

const keySchema = keyRightsSchema.extend({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{3,64}$/)
    .describe('Public id of the key; may be logged'),
  hash: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .describe('sha256:<hex> of the key, as `npm run keys` prints it'),
});

/** Usage, limits and budgets are counted by id, and a hash leads to one key. */
function refuseTwice(keys: readonly { id: string; hash: string }[], context: z.RefinementCtx): void {
  for (const field of ['id', 'hash'] as const) {
    const first = new Map<string, number>();
    for (const [index, key] of keys.entries()) {
      const at = first.get(key[field]);
      if (at === undefined) first.set(key[field], index);
      else
        context.addIssue({
          code: 'custom',
          path: [index, field],
          message:
            field === 'id'
              ? `'${key.id}' is the id of auth.keys[${at}], too; every key needs its own`
              : `the same key as auth.keys[${at}]`,
        });
    }
  }
}

function isSecureOrLocal(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const url = new URL(text);
  return url.protocol !== 'http:' || isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
}

const jwtSchema = z.strictObject({
  issuer: z.string().min(1).describe('What the token’s `iss` has to be'),
  audience: z.string().min(1).describe('What its `aud` has to hold'),
  jwks_url: z
    .url({ protocol: /^https?$/ })
    .refine(isSecureOrLocal, {
      message: 'must be https: whoever stands between could make tokens; http is for loopback only',
    })
    .describe('Where the issuer publishes its keys; https, or http on loopback'),
  tenant_claim: z.string().min(1).default('tenant').describe('Claim that names the tenant'),
  policies_claim: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Claim that lists the policies the token may use; absent: all. A token without the claim may use none',
    ),
  algorithms: z
    .array(z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']))
    .min(1)
    .default(['RS256', 'ES256', 'PS256', 'EdDSA'])
    .describe('Signatures that are taken'),
});

export type JwtConfig = z.infer<typeof jwtSchema>;

export const authSchema = z.strictObject({
  mode: z
    .enum(['auto', 'required', 'open'])
    .default('auto')
    .describe('auto: open on loopback only, required elsewhere; open: no keys anywhere, asked for by name'),
  keys: z
    .array(keySchema)
    .default([])
    .superRefine(refuseTwice)
    .describe('Keys that may call; `npm run keys` makes them'),
  keys_in_redis: z
    .boolean()
    .default(false)
    .describe('Take keys that `npm run keys -- --config FILE` or the admin API has put into Redis, too'),
  jwt: jwtSchema.optional().describe('Take tokens of an identity provider, too'),
  failures_per_minute: z
    .int()
    .min(1)
    .default(30)
    .describe('Failed attempts per address and minute; further ones get 429. A right key is always let in'),
});

export const adminSchema = z.strictObject({
  host: z.string().default('127.0.0.1').describe('Address to listen on'),
  port: z.int().min(0).max(65535).default(8085).describe('Port of the admin API; 0 takes a free one'),
  token: z
    .string()
    .min(24)
    .describe('Bearer token, 24 characters or more: ${ENV} or file:PATH. Never printed'),
});
