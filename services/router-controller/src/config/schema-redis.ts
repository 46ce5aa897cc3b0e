/** Redis, which replicas share. */
import { z } from 'zod';

const address = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(1).max(65535),
});

const HOST_PORT = /^(\[[0-9A-Fa-f:.]+\]|[^:\s[\]]+):[0-9]{1,5}$/;
const WANT_HOST_PORT = 'want HOST:PORT on both sides; an IPv6 address stands in brackets';

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
    sentinel_username: z.string().optional().describe('ACL user of the Sentinels themselves'),
    sentinel_password: z
      .string()
      .optional()
      .describe('Password that the Sentinels themselves ask for; `password` is for Redis. Never printed'),
    sentinel_tls: z
      .boolean()
      .optional()
      .describe('TLS to the Sentinels themselves; absent: none. `tls` is for the master that they name'),
    tls: z
      .boolean()
      .default(false)
      .describe('TLS where no rediss:// says so: Sentinel’s master, cluster nodes'),
    tls_servername: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Name that certificates are checked for and that is sent along (SNI), whatever host is connected to. ' +
          'Absent: the host; a server found by its address may also show the name of a listed node or Sentinel',
      ),
    ca: z.string().optional().describe('PEM of the authority that signed Redis’ certificate, as file:PATH'),
    cert: z
      .string()
      .optional()
      .describe('PEM of this client’s certificate, where Redis asks for one, as file:PATH'),
    key: z.string().optional().describe('PEM of its private key, as file:PATH. Never printed'),
    address_map: z
      .record(z.string(), z.string().regex(HOST_PORT, { message: WANT_HOST_PORT }))
      .default({})
      .describe('HOST:PORT as a cluster’s nodes or a Sentinel announce it → HOST:PORT as it is reached'),
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
    probe_ms: z
      .int()
      .min(100)
      .default(5_000)
      .describe('How often it is tried whether Redis still takes writes, milliseconds'),
  })
  .refine(({ url, sentinels, cluster }) => [url, sentinels, cluster].filter(Boolean).length === 1, {
    message: 'give one of: url, sentinels, cluster',
  })
  .superRefine((redis, context) => {
    const problem = (key: keyof typeof redis, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message });
    for (const key of ['sentinel_username', 'sentinel_password', 'sentinel_tls'] as const) {
      if (redis[key] !== undefined && !redis.sentinels) problem(key, 'is of use with `sentinels` only');
    }
    if (redis.sentinel_username !== undefined && redis.sentinel_password === undefined)
      problem('sentinel_username', 'needs sentinel_password');
    const tls = redis.tls || redis.ca !== undefined || redis.cert !== undefined;
    if (tls && redis.sentinel_password !== undefined && redis.sentinel_tls === undefined) {
      problem(
        'sentinel_tls',
        'say true, or false where the Sentinels speak no TLS: then their password goes in clear, though Redis’ does not',
      );
    }
    if (Object.keys(redis.address_map).some((announced) => !HOST_PORT.test(announced)))
      problem('address_map', WANT_HOST_PORT);
    if ((redis.cert === undefined) !== (redis.key === undefined)) problem('cert', 'cert and key go together');
    if (
      redis.tls_servername !== undefined &&
      !tls &&
      !redis.url?.startsWith('rediss://') &&
      !redis.sentinel_tls
    )
      problem('tls_servername', 'is of use with TLS only: set tls, or rediss://');
  });

export type RedisConfig = z.infer<typeof redisSchema>;
