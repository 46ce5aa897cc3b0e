/** Redis, which replicas share. */
import { z } from 'zod';

const address = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(1).max(65535),
});

export const redisSchema = z
  .strictObject({
    url: z
      .string()
      .regex(/^rediss?:\/\/[^@\s]+$/, {
        message: 'want redis://HOST:PORT/DB or rediss://…; user and password have keys of their own',
      })
      .optional()
      .describe('redis://HOST:PORT/DB, or rediss:// for TLS'),
    sentinels: z.array(address).min(1).optional().describe('Sentinels, in place of url'),
    master: z.string().min(1).default('mymaster').describe('What the sentinels call the master'),
    cluster: z.array(address).min(1).optional().describe('Some nodes of a Redis Cluster, in place of url'),
    username: z.string().optional().describe('ACL user'),
    password: z.string().optional().describe('Password: text, ${ENV}, or file:PATH. Never printed'),
    tls: z
      .boolean()
      .default(false)
      .describe('TLS where no rediss:// says so: Sentinel’s master, cluster nodes'),
    ca: z.string().optional().describe('PEM of the authority that signed Redis’ certificate, as file:PATH'),
    key_prefix: z
      .string()
      .regex(/^[A-Za-z0-9_:.-]{1,40}$/)
      .default('llm-router')
      .describe('Begins every key, so that several routers may share a Redis'),
    call_timeout_ms: z
      .int()
      .min(1)
      .default(50)
      .describe('No request waits longer for Redis than this, all its calls together, milliseconds'),
  })
  .refine(({ url, sentinels, cluster }) => [url, sentinels, cluster].filter(Boolean).length === 1, {
    message: 'give one of: url, sentinels, cluster',
  });

export type RedisConfig = z.infer<typeof redisSchema>;
