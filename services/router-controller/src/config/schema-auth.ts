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
  disabled: z.boolean().optional().describe('Refuse the key, for as long as this says true'),
});

export type KeyRights = z.infer<typeof keyRightsSchema>;

const hash = z.string().regex(/^sha256:[0-9a-f]{64}$/);

export const oldSecretsSchema = z
  .array(
    z.strictObject({
      hash: hash.describe('sha256:<hex> of the old secret'),
      until: z.iso.datetime({ offset: true }).describe('RFC 3339 time until which it is good'),
    }),
  )
  .max(8);

export type OldSecret = z.infer<typeof oldSecretsSchema>[number];

const keySchema = keyRightsSchema.extend({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{3,64}$/)
    .describe('Public id of the key; may be logged'),
  hash: hash.describe('sha256:<hex> of the key, as `npm run keys` prints it'),
  previous: oldSecretsSchema
    .optional()
    .describe(
      'Secrets from before a rotation that are still good for a while; `keys rotate --grace` writes them',
    ),
});

type FileKey = z.infer<typeof keySchema>;

/** Usage, limits and budgets are counted by id, and a hash leads to one key. */
function refuseTwice(keys: readonly FileKey[], context: z.RefinementCtx): void {
  const refuse = (path: readonly PropertyKey[], message: string) =>
    context.addIssue({ code: 'custom', path: [...path], message });
  const ids = new Map<string, number>();
  const hashes = new Map<string, number>();
  for (const [index, key] of keys.entries()) {
    const same = ids.get(key.id);
    if (same === undefined) ids.set(key.id, index);
    else refuse([index, 'id'], `'${key.id}' is the id of auth.keys[${same}], too; every key needs its own`);
    const secrets: [readonly PropertyKey[], string][] = [
      [[index, 'hash'], key.hash],
      ...(key.previous ?? []).map((old, at): [PropertyKey[], string] => [
        [index, 'previous', at, 'hash'],
        old.hash,
      ]),
    ];
    for (const [path, secret] of secrets) {
      const at = hashes.get(secret);
      if (at === undefined) hashes.set(secret, index);
      else refuse(path, at === index ? 'the same secret twice' : `the same key as auth.keys[${at}]`);
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
  keys_fresh_ms: z
    .int()
    .min(0)
    .max(600_000)
    .default(5_000)
    .describe(
      'How long a replica goes by what it has read of a key in Redis: a change or revocation is in force everywhere after so long, milliseconds',
    ),
  jwt: jwtSchema.optional().describe('Take tokens of an identity provider, too'),
  failures_per_minute: z
    .int()
    .min(1)
    .default(30)
    .describe('Failed attempts per address and minute; further ones get 429. A right key is always let in'),
});

const adminToken = z
  .string()
  .min(24)
  .describe('Bearer token, 24 characters or more: ${ENV} or file:PATH. Never printed');

export const adminSchema = z
  .strictObject({
    host: z.string().default('127.0.0.1').describe('Address to listen on'),
    port: z.int().min(0).max(65535).default(8085).describe('Port of the admin API; 0 takes a free one'),
    token: adminToken.optional().describe('Bearer token of `admin`; where several administer, give `tokens`'),
    tokens: z
      .array(
        z.strictObject({
          name: z
            .string()
            .regex(/^[A-Za-z0-9_.@-]{1,64}$/)
            .describe('Who has it; the audit log tells this name'),
          token: adminToken,
          read_only: z.boolean().default(false).describe('It may look, and change nothing'),
        }),
      )
      .default([])
      .describe('A token for each who administers, by name'),
  })
  .superRefine(({ token, tokens }, context) => {
    if (token === undefined && tokens.length === 0)
      context.addIssue({
        code: 'custom',
        path: ['token'],
        message: 'give token, or tokens with a name for each',
      });
    const all = [...(token === undefined ? [] : [{ name: 'admin', token }]), ...tokens];
    for (const [index, each] of tokens.entries()) {
      const others = all.filter((other) => other !== each);
      if (others.some(({ name }) => name === each.name))
        context.addIssue({
          code: 'custom',
          path: ['tokens', index, 'name'],
          message: `'${each.name}' has another token`,
        });
      if (others.some((other) => other.token === each.token))
        context.addIssue({
          code: 'custom',
          path: ['tokens', index, 'token'],
          message: 'somebody else has the same',
        });
    }
  });
