/** Limits that several requests share. Held in this process's memory. */
import { z } from 'zod';

/** Whom a limit counts: everybody together, or each caller, tenant or policy by itself. */
export const scopeSchema = z.enum(['global', 'key', 'tenant', 'policy']);

export const limitSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9_-]{1,40}$/)
    .describe('Name in answers, logs and metrics'),
  scope: scopeSchema.default('key').describe('Whom it counts'),
  match: z.string().optional().describe('Only this key id, tenant or policy; absent: each'),
  requests_per_minute: z.int().min(1).optional().describe('Requests per minute, refilled evenly'),
  concurrent: z.int().min(1).optional().describe('Requests in flight at once'),
  burst: z.int().min(1).optional().describe('Requests that may come at once; default: one minute’s worth'),
  shadow: z.boolean().default(false).describe('Count, don’t refuse'),
});
