/** Limits, budgets and the Redis that shares them. */
import { z } from 'zod';

/** Whom a limit counts: everybody together, or each key, tenant, policy or target by itself. */
export const scopeSchema = z.enum(['global', 'key', 'tenant', 'policy', 'target']);

export const limitSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9_-]{1,40}$/)
    .describe('Name in answers, logs and metrics'),
  scope: scopeSchema.default('key'),
  match: z.string().optional().describe('Only this key id, tenant, policy or target; absent: each'),
  requests_per_minute: z.int().min(1).optional(),
  tokens_per_minute: z.int().min(1).optional(),
  concurrent: z.int().min(1).optional().describe('Requests in flight at once'),
  burst: z
    .int()
    .min(1)
    .optional()
    .describe('Requests (or tokens) that may come at once; default: one minute’s worth'),
  shadow: z.boolean().default(false).describe('Count, don’t refuse'),
});

export const budgetSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9_-]{1,40}$/),
  scope: scopeSchema.exclude(['target']).default('key'),
  match: z.string().optional(),
  per: z.enum(['day', 'month']).describe('Calendar day or month, UTC'),
  usd: z.number().positive().optional(),
  tokens: z.int().positive().optional(),
  warn_at: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('Share of the budget from which a warning header is sent'),
});

export const redisSchema = z.strictObject({
  url: z
    .string()
    .optional()
    .describe('redis:// or rediss:// URL; user and password may stand in it or come as ${ENV}'),
  sentinels: z.array(z.string()).optional().describe('host:port of sentinels; with `sentinel_name`'),
  sentinel_name: z.string().optional(),
  cluster: z.array(z.string()).optional().describe('host:port of cluster nodes'),
  username: z.string().optional(),
  password: z.string().optional(),
  tls: z.boolean().default(false),
  prefix: z.string().default('llmr').describe('Prefix of every key; the same for all replicas'),
  timeout_ms: z
    .int()
    .min(1)
    .default(50)
    .describe('Longest wait for one call; no request waits longer on Redis'),
  on_outage: z
    .enum(['local_share', 'refuse', 'allow'])
    .default('local_share')
    .describe('Limits while Redis is away: own share (limit ÷ replicas seen), refuse, or allow all'),
});
