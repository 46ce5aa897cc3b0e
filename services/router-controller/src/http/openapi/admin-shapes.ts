/**
 * What the admin API reads and answers. Bodies are the very schemas that read them; answers are written down here, and the
 * admin API's tests hold every answer against them.
 */
import { z } from 'zod';
import { keyRightsSchema } from '../../config/schema-auth.ts';
import { keyChange, nothing, rotation } from '../admin/read.ts';

const count = z.int().min(0);
const store = z.enum(['redis', 'memory']).describe('memory: of this replica alone, since it started');

const key = {
  object: z.literal('key'),
  id: z.string(),
  ...keyRightsSchema.shape,
  tenant: z.string(),
  created: z.iso.datetime().optional(),
  updated: z.iso.datetime().optional(),
  old_secrets_until: z
    .array(z.iso.datetime({ offset: true }))
    .optional()
    .describe('When each secret from before a rotation that is still good ends'),
};
const kept = {
  ...key,
  store: z.enum(['file', 'redis']).describe('Where it stands: those of the file are changed there'),
};
const shown = { ...key, key: z.string().describe('The secret, shown this once'), note: z.string() };

const sums = z.strictObject({
  requests: count,
  input_tokens: count,
  cached_input_tokens: count,
  output_tokens: count,
  cost_usd: z.number().min(0),
});

const budget = z.strictObject({
  name: z.string(),
  scope: z.enum(['global', 'policy', 'tenant', 'key']),
  holder: z.string().describe('Whose it is: the tenant, key or policy'),
  period: z.string(),
  unit: z.enum(['usd', 'tokens']),
  used: z.number().min(0),
  limit: z.number().min(0),
  resets_at: z.iso.datetime({ offset: true }),
});

const audit = z.strictObject({
  at: z.iso.datetime(),
  action: z.enum(['created', 'changed', 'disabled', 'enabled', 'rotated', 'overlap ended', 'revoked']),
  by: z.string().describe('Name of the admin token, or cli:USER'),
  from: z.string().optional().describe('Address that the call came from; absent for the command line'),
  key_id: z.string(),
  tenant: z.string(),
  changes: z
    .record(z.string(), z.strictObject({ before: z.json().optional(), after: z.json().optional() }))
    .optional()
    .describe('Fields that differ; never a secret or its hash'),
});

const list = <T extends z.ZodType>(data: T) => ({ object: z.literal('list'), data: z.array(data) });

const SHAPES = {
  Nothing: nothing,
  KeyRights: keyRightsSchema,
  KeyChange: keyChange.describe('Fields to change; null takes one away'),
  Rotation: rotation.describe('When the old secret ends: one of the two, or now'),
  Key: z.strictObject(key),
  KeptKey: z.strictObject(kept),
  ShownKey: z.strictObject(shown),
  Keys: z.strictObject(
    list(z.strictObject({ ...kept, refused: z.string().optional().describe('Why it does not count') })),
  ),
  DeletedKey: z.strictObject({ object: z.literal('key'), id: z.string(), deleted: z.literal(true) }),
  Audit: z.strictObject(list(audit)),
  AdminUsage: z.strictObject({
    object: z.literal('usage'),
    scope: z.enum(['key', 'tenant']),
    id: z.string(),
    store,
    from: z.iso.date(),
    to: z.iso.date(),
    total: sums,
    by_day: z.array(z.strictObject({ date: z.iso.date(), ...sums.shape })),
    by_policy: z.record(z.string(), sums),
    by_target: z.record(z.string(), sums),
  }),
  Tenants: z.strictObject({
    ...list(z.strictObject({ tenant: z.string(), keys: count, total: sums })),
    store,
    has_more: z.boolean(),
  }),
  Budgets: z.strictObject({ ...list(budget), store }),
  Me: z.strictObject({ object: z.literal('admin'), name: z.string(), read_only: z.boolean() }),
  AdminConfig: z
    .object({
      version: z.string(),
      default_policy: z.string().nullable(),
      policies: z.array(z.looseObject({ name: z.string(), fallback: z.string().nullable() })),
    })
    .describe('The policies as they are in force, with addresses; keys are [REDACTED]'),
} as const;

/** As JSON Schema, by name. A default says what a field that is left out means, so nothing with one is required. */
export const adminShapes = (): Record<string, object> =>
  Object.fromEntries(
    Object.entries(SHAPES).map(([name, shape]) => {
      const { $schema: _, ...schema } = z.toJSONSchema(shape, { io: 'input', reused: 'inline' });
      return [name, schema];
    }),
  );
