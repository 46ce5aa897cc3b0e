/**
 * The configuration file, whole: every key with its default, unit and reason. Documentation, the JSON Schema for
 * editors and Helm's values are generated from these descriptions, so a limit or timeout has no second home.
 *
 * v1's file (`policies` with inline `llms`) is a subset of this shape and loads unchanged.
 * Keys are snake_case because v1's are. Objects are strict: a typo is refused, never ignored.
 */
import { z } from 'zod';
import { adminSchema, authSchema } from './schema-auth.ts';
import { feedbackSchema } from './schema-feedback.ts';
import { identitySchema } from './schema-identity.ts';
import { admissionSchema, budgetSchema, limitSchema, type mediaSchema } from './schema-limits.ts';
import { notifySchema } from './schema-notify.ts';
import { trustedProxiesSchema } from './schema-proxies.ts';
import { decisionLogSchema, objectStoreSchema, spendLogSchema } from './schema-records.ts';
import { redisSchema } from './schema-redis.ts';
import { policySchema, targetSchema, tlsSchema } from './schema-table.ts';
import { upstreamSchema } from './schema-upstream.ts';

/** Zod otherwise makes code for each object that it reads, and a configuration is read once. */
export const READ_ONCE = { jitless: true } as const;

const ms = (what: string, value: number) => z.int().min(0).default(value).describe(`${what}, milliseconds`);

export const serverSchema = z.strictObject({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('Address to listen on. Anything but loopback needs auth, or auth.mode: open'),
  port: z
    .int()
    .min(0)
    .max(65535)
    .default(8084)
    .describe('Port of the OpenAI-compatible endpoint; 0 takes a free one'),
  workers: z
    .int()
    .min(1)
    .max(128)
    .default(1)
    .describe(
      'Processes that serve the port together, one CPU core each; above 1 it needs `redis`, through which they share what ' +
        'replicas share. max_in_flight, max_queue, max_connections, body_bytes_in_flight and connections_per_target hold for ' +
        'each of them; so does memory',
    ),
  body_limit_bytes: z
    .int()
    .min(1024)
    .default(32 * 1024 * 1024)
    .describe('Largest request body, unpacked; images travel inline, so this is generous. Over it: 413'),
  body_inflate_ratio: z
    .int()
    .min(2)
    .default(100)
    .describe(
      'Most times that a packed body (gzip, deflate, br, zstd) may grow past its first 256 KiB; over it: 413',
    ),
  body_max_depth: z
    .int()
    .min(16)
    .max(1000)
    .default(128)
    .describe('Deepest nesting of a JSON body; over it: 400'),
  body_max_values: z
    .int()
    .min(1000)
    .default(200_000)
    .describe('Most values in a JSON body: each costs memory and time, whatever the bytes. Over it: 400'),
  body_bytes_in_flight: z
    .int()
    .min(1024)
    .default(128 * 1024 * 1024)
    .describe(
      'Most bytes of bodies that this process holds at once, unpacked; over it: 503 with Retry-After',
    ),
  body_tenant_share: z
    .number()
    .gt(0)
    .max(1)
    .default(0.5)
    .describe('Share of body_bytes_in_flight that one tenant may hold'),
  body_idle_timeout_ms: ms('Longest silence of a client within its body before 408; 0 is off', 20_000),
  max_connections: z
    .int()
    .min(1)
    .default(10_000)
    .describe('Connections open at once; over it new ones are closed before a byte is read'),
  shutdown_grace_ms: ms(
    'How long streams may finish after SIGTERM before they end with an error event',
    25_000,
  ),
  drain_delay_ms: ms('How long readiness is off before the listener closes, so that balancers notice', 0),
  headers_timeout_ms: ms('How long a client may take to send its headers', 20_000),
  request_timeout_ms: ms('How long a client may take to send its whole body', 120_000),
  max_in_flight: z.int().min(1).default(1024).describe('Requests worked on at once by this process'),
  max_queue: z
    .int()
    .min(0)
    .default(256)
    .describe('Requests that may wait for a place; past it 503 with Retry-After'),
  max_queue_wait_ms: ms('Longest wait for a place before 503', 2_000),
  trusted_proxies: trustedProxiesSchema,
  allowed_hosts: z
    .array(z.string().regex(/^(?:\*|[\w.-]{1,253})$/, 'a name as router.example.com, without port, or *'))
    .max(100)
    .default([])
    .describe(
      'Names that an open router (no keys) may be called by, beside loopback’s and, off loopback, addresses. Others get 403: a ' +
        'web page whose name somebody has pointed at it. `*` is any',
    ),
  cors_origins: z
    .array(
      z.string().regex(/^(?:\*|https?:\/\/[^/\s]{1,253})$/, 'an origin as https://chat.example.com, or *'),
    )
    .max(100)
    .default([])
    .describe(
      'Origins whose web pages may call the router from a browser; default none. `*` is any, where keys are asked for',
    ),
});

export const classifierSchema = z.strictObject({
  deadline_ms: ms('Longest wait for a classification before the fallback entry is used', 150),
  tls: tlsSchema
    .optional()
    .describe('For classifiers whose url says grpcs:// or https://; absent: what the system trusts'),
  startup_wait_ms: ms('How long start waits for the classifier before it goes on degraded', 10_000),
  upgrade_http_to_grpc: z
    .boolean()
    .default(false)
    .describe('Speak gRPC on port 8001 to http URLs that name Triton’s port 8000'),
  batch_max: z
    .int()
    .min(1)
    .max(64)
    .default(16)
    .describe('Prompts that may share one ModelInfer when they arrive together'),
  preview_concurrency: z
    .int()
    .min(1)
    .default(16)
    .describe(
      'Prompts of POST /v1/route that are classified at once, tenants in turn: a flood of them must not take the classifier’s time from requests that wait for their answer',
    ),
  cache_entries: z
    .int()
    .min(0)
    .default(10_000)
    .describe('Decisions kept in memory (LRU); 0 turns the cache off'),
  cache_ttl_ms: ms('How long a cached decision holds', 600_000),
  cache_in_redis: z
    .boolean()
    .default(false)
    .describe(
      'Share cached decisions between replicas, where there is a `redis` section; costs a round trip a miss',
    ),
  breaker_failures: z
    .int()
    .min(1)
    .default(5)
    .describe('Consecutive failures that open the classifier’s breaker'),
  breaker_open_ms: ms('How long the classifier’s breaker stays open before a probe', 1_000),
  heuristic: z
    .boolean()
    .default(false)
    .describe('When the classifier is down, guess the label from cue words before using the fallback entry'),
});

export const promptSchema = z.strictObject({
  turns: z
    .int()
    .min(1)
    .max(20)
    .default(1)
    .describe('How many of the last user messages are classified together; 1 is the last user message alone'),
  max_chars: z
    .int()
    .min(256)
    .default(16_384)
    .describe('Longest text sent to the classifier; over it head and tail are kept and the cut is counted'),
});

export const loggingSchema = z.strictObject({
  level: z
    .enum(['error', 'warn', 'info', 'debug'])
    .default('info')
    .describe('info: one line a request; warn leaves those out'),
  stream: z
    .enum(['stderr', 'stdout'])
    .default('stderr')
    .describe(
      'Where lines go; some clouds take all of standard error for errors. Standard output also has the start message',
    ),
  severity: z
    .boolean()
    .default(false)
    .describe(
      'Each line has `severity` (ERROR, WARNING, INFO, DEBUG), as Google’s and other clouds’ logs read it, and the HTTP status is `http_status`, because Datadog takes `status` for the level',
    ),
  prompts: z
    .boolean()
    .default(false)
    .describe(
      'Put the text that is classified into the line of its request, secrets in it hidden. Answers never are',
    ),
});

export const tracingSchema = z.strictObject({
  endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'OTLP receiver, for example http://collector:4318, or :4317 with protocol grpc; absent: off, unless OTEL_EXPORTER_OTLP_ENDPOINT is set',
    ),
  protocol: z
    .enum(['http/json', 'http/protobuf', 'grpc'])
    .optional()
    .describe('What spans are sent by; absent: as OTEL_EXPORTER_OTLP_PROTOCOL says, else http/json'),
  sample_ratio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Share of the traces that begin here; a caller’s own traceparent decides for itself'),
  service_name: z.string().min(1).default('llm-router').describe('service.name of the spans'),
  prompts: z
    .boolean()
    .default(false)
    .describe('Put the text that is classified into the span, secrets in it hidden. Answers never are'),
  langfuse: z
    .boolean()
    .default(false)
    .describe(
      'Attributes that Langfuse files and filters traces by: user (the key’s public id), session, cost, policy, label, target',
    ),
});

export const passthroughSchema = z.strictObject({
  default_target: z
    .string()
    .optional()
    .describe(
      'Target that takes every path under /v1/ that nothing else takes, and models there that nothing else has, as they are: its whole account is then open to who may use it; absent: 404',
    ),
  max_bytes: z
    .int()
    .min(1024)
    .default(512 * 1024 * 1024)
    .describe('Largest body that is passed on; it is streamed, so it costs no memory. Over it: 413'),
});

export const configSchema = z.strictObject({
  server: serverSchema.prefault({}),
  default_policy: z.string().optional().describe('Policy of requests that name none, and of model "auto"'),
  classifier: classifierSchema.prefault({}),
  prompt: promptSchema.prefault({}),
  identity: identitySchema.prefault({}),
  upstream: upstreamSchema.prefault({}),
  targets: z.array(targetSchema).default([]).describe('Upstream models, defined once, named by many entries'),
  passthrough: passthroughSchema.prefault({}),
  policies: z.array(policySchema).min(1).describe('The policy table'),
  aliases: z
    .record(z.string().trim().min(1).max(200), z.string().trim().min(1).max(120))
    .default({})
    .describe(
      'Model names that clients are set to, and the policy each stands for; case does not matter: `gpt-4o: task_router`',
    ),
  auth: authSchema.prefault({}),
  admin: adminSchema
    .optional()
    .describe('Admin API: keys and everybody’s usage, on a port of its own; absent: off'),
  limits: z
    .array(limitSchema)
    .default([])
    .describe('Limits for everybody; several apply at once, and nothing is taken when one refuses'),
  budgets: z.array(budgetSchema).default([]).describe('What may be spent in a day, week or month'),
  admission: admissionSchema.prefault({}),
  redis: redisSchema
    .optional()
    .describe(
      'Shares limits, budgets, usage and pinned conversations between replicas; absent: each has its own',
    ),
  logging: loggingSchema.prefault({}),
  tracing: tracingSchema.prefault({}),
  decision_log: decisionLogSchema.prefault({}),
  spend_log: spendLogSchema.prefault({}),
  object_store: objectStoreSchema
    .optional()
    .describe('Logs of decisions and of spend in a store that speaks S3; absent: none'),
  feedback: feedbackSchema.prefault({}),
  notify: notifySchema.prefault({}),
});

/** The file after defaults. Secrets are still `${…}` references here; config/load.ts resolves them. */
export type ConfigFile = z.infer<typeof configSchema>;
export type LimitConfig = z.infer<typeof limitSchema>;
export type BudgetConfig = z.infer<typeof budgetSchema>;
export type MediaConfig = z.infer<typeof mediaSchema>;
export type AuthConfig = z.infer<typeof authSchema>;
export type ClassifierConfig = z.infer<typeof classifierSchema>;
export type UpstreamConfig = z.infer<typeof upstreamSchema>;
