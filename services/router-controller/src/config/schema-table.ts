/** Targets and policies: which model does which work. */
import { z } from 'zod';
import { ruleSchema, secondLookSchema } from './schema-rules.ts';
import { valueKeys } from './schema-value.ts';

const ms = (what: string, value: number) => z.int().min(1).default(value).describe(`${what}, milliseconds`);
const name = z.string().trim().min(1).max(120);

/** One time for every call, or one for each kind of call. */
const byKind = (what: string) =>
  z
    .union([
      z.int().min(1),
      z.strictObject({ stream: z.int().min(1).optional(), plain: z.int().min(1).optional() }),
    ])
    .optional()
    .describe(`${what}, milliseconds; one number, or { stream, plain }`);

/** What holds where the file says nothing. A plain answer has no first byte before its last token; SDKs wait 600 s for it. */
export const FIRST_BYTE_MS = { stream: 120_000, plain: 600_000 } as const;
/** A stream that is at work shows it within seconds; a plain answer of an ordinary model is whole within two minutes. */
export const FALL_BACK_AFTER_MS = { stream: 30_000, plain: 120_000 } as const;

export const timeoutsSchema = z.strictObject({
  connect_ms: ms('TCP and TLS', 5_000),
  first_byte_ms: byKind(
    'Until the first byte of the answer, where no other target is left to ask; default: 120000 for streams, 600000 for plain calls, as reasoning takes so long',
  ),
  fall_back_after_ms: byKind(
    'Silence after which the call is given to the next target that has not been asked; a stream whose headers have come has twice as long; default: 30000 for streams, 120000 for plain calls. Give a reasoning model that has fallbacks more',
  ),
  idle_ms: ms('Longest silence between bytes of an answer', 120_000),
  total_ms: ms('Whole call', 600_000),
});

export const capabilitiesSchema = z.strictObject({
  context_tokens: z.int().min(1).optional().describe('Longest prompt plus answer; absent: not checked'),
  vision: z.boolean().optional().describe('Takes image parts; absent: not checked'),
  audio: z.boolean().optional(),
  tools: z.boolean().optional(),
  json_schema: z.boolean().optional(),
  streaming: z.boolean().optional(),
  reasoning_effort: z
    .boolean()
    .optional()
    .describe('false: left out of translated requests, which ask for it often without need'),
});

export const priceSchema = z.strictObject({
  input: z.number().min(0).describe('USD per million input tokens'),
  cached_input: z.number().min(0).optional().describe('USD per million cached input tokens; default: input'),
  output: z.number().min(0).describe('USD per million output tokens'),
});

const upstream = {
  api_base: z
    .string()
    .min(1)
    .describe(
      'Base URL: a bare host, whose API is under /v1, or the URL that SDKs call base_url, path and query included',
    ),
  api_key: z.string().nullish().describe('Key for the upstream: text, ${ENV}, or file:PATH. Never printed'),
  model: z.string().min(1).describe('Model id as the upstream calls it'),
};

export const tlsSchema = z
  .strictObject({
    ca: z.string().min(1).optional().describe('Certificates trusted beside the system’s: PEM, or file:PATH'),
    cert: z.string().min(1).optional().describe('Client certificate: PEM, or file:PATH'),
    key: z.string().min(1).optional().describe('Its private key: PEM, or file:PATH. Never printed'),
    server_name: z
      .string()
      .min(1)
      .optional()
      .describe('Name the certificate is checked for; default: the host'),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'cert and key go together');

/** APIs that a routed request may be written in. */
export const APIS = ['chat', 'responses', 'messages'] as const;

const upstreamExtras = {
  timeouts: timeoutsSchema.prefault({}),
  capabilities: capabilitiesSchema.prefault({}),
  price: priceSchema.optional(),
  headers: z
    .record(z.string(), z.string())
    .default({})
    .describe('Extra request headers for this upstream; user-agent is llm-router/VERSION unless named here'),
  path: z
    .string()
    .regex(/^\/[\w./~-]*$/, 'a path that begins with a slash')
    .optional()
    .describe(
      'Path of chat completions under api_base; other routes take what stands before /chat/completions in it. Default: /v1/chat/completions under a bare host, else /chat/completions',
    ),
  proxy: z
    .string()
    .min(1)
    .optional()
    .describe(
      'http://[USER:PASSWORD@]HOST:PORT of a proxy for this upstream, or none. Default: HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment, never for loopback',
    ),
  tls: tlsSchema.optional(),
  apis: z
    .array(z.enum(APIS))
    .min(1)
    .default(['chat'])
    .describe(
      'Which of the APIs the upstream speaks: chat completions, OpenAI’s Responses, Anthropic’s Messages. A client’s own API goes through unchanged; others are translated to and from chat completions (docs/reference/dialects.md)',
    ),
  key_header: z
    .enum(['authorization', 'x-api-key', 'api-key'])
    .default('authorization')
    .describe(
      'Header in which the upstream wants its key: `Authorization: Bearer KEY`, Anthropic’s, or Azure’s',
    ),
  max_tokens_as: z
    .enum(['max_tokens', 'max_completion_tokens'])
    .default('max_tokens')
    .describe(
      'Name of the answer’s token limit in translated requests; every server knows the older one but OpenAI’s reasoning models',
    ),
  reasoning_input: z
    .boolean()
    .default(false)
    .describe(
      'In translated requests, send the reasoning of earlier turns back as reasoning_content: some models need it between tool calls, some servers refuse it',
    ),
};

/** OpenAI's endpoints that are no conversation and keep nothing, and rerank. */
export const STANDARD_PASSES = [
  '/v1/embeddings',
  '/v1/moderations',
  '/v1/audio/*',
  '/v1/images/*',
  '/v1/rerank',
] as const;
/** Those that keep things in the account of the operator's key, where every key of the router would find them. */
export const STORING_PASSES = ['/v1/files/*', '/v1/uploads/*', '/v1/batches/*'] as const;

export const targetSchema = z.strictObject({
  name,
  ...upstream,
  api_base: z
    .union([upstream.api_base, z.array(upstream.api_base).min(1).max(64)])
    .describe(
      'Base URL: a bare host, whose API is under /v1, or the URL that SDKs call base_url, path and query (api-version=…) included; or a list of replicas, which share the load and rest each by itself when they fail',
    ),
  ...upstreamExtras,
  passes: z
    .array(
      z
        .string()
        .regex(
          /^\/v1\/(?:[\w.-]{1,60}\/){0,6}(?:[\w.-]{1,60}|\*)$/,
          'a path as /v1/embeddings, or a folder as /v1/audio/*',
        ),
    )
    .max(64)
    .optional()
    .describe(
      'Endpoints that are passed on to this target without a decision, as /v1/embeddings or /v1/audio/*; the model names the target. ' +
        'Absent: embeddings, moderations, audio, images, rerank; and files, uploads and batches on a router without keys (with keys all would ' +
        'share what is stored under the operator’s key, so list them only where that is meant)',
    ),
});

const weighted = z.strictObject({
  target: name,
  weight: z.number().min(0).default(1).describe('Share of traffic among targets of the same priority'),
  priority: z.int().min(0).default(0).describe('Lower is tried first; higher ones are fallbacks'),
});

/** One label's entry: v1's inline upstream, or the names of targets. Which form is used is checked in compile.ts. */
export const entrySchema = z.strictObject({
  name: name.describe('The classifier’s label, by name'),
  api_base: upstream.api_base.optional(),
  api_key: upstream.api_key,
  model: upstream.model.optional(),
  target: name.optional().describe('One target by name'),
  targets: z.array(weighted).min(1).optional().describe('Several targets with weights and priorities'),
  fallbacks: z.array(name).default([]).describe('Targets tried in this order when the first ones fail'),
  rank: z
    .int()
    .optional()
    .describe(
      'How hard this label’s work is: a conversation moves only to higher ranks. Default: 0 where another entry of the policy has one, else the order of prices',
    ),
  extra_body: z
    .record(z.string().min(1), z.json())
    .optional()
    .describe(
      'Fields set in the body that goes upstream for this entry, such as reasoning_effort or temperature; they replace the client’s',
    ),
});

export const stickySchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Conversations stay with their model, which has their prompt cached'),
  ttl_ms: ms('How long a silent conversation stays pinned', 1_800_000),
  rest_ms: ms(
    'Silence after which a conversation that had to move goes back to its first target: upstreams forget cached prompts after some minutes',
    300_000,
  ),
});

export const shadowSchema = z.strictObject({
  policy: name.describe('Policy that also decides, without effect on answers'),
  share: z.number().min(0).max(1).default(0.01),
});

export const hedgeSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe('Ask a second target when the first has not begun within its observed 95th percentile'),
  min_ms: ms('The second target is never asked earlier than this', 500),
});

export const policySchema = z.strictObject({
  name: name.describe('Named by requests; trimmed before it is compared'),
  kind: z
    .enum(['labels', 'value'])
    .default('labels')
    .describe(
      'labels: the classifier says what the work is, and `llms` who does it. value: it says for each of `targets` how likely its answer is good, and `choose` weighs that against the cost',
    ),
  url: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe(
      'http://HOST:8000/v2/models/M/infer (KServe v2 over HTTP) or grpc://HOST:8001/M; https and grpcs for TLS; a list balances',
    ),
  threshold: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('Top-1 probability below it uses the fallback entry'),
  fallback: name
    .optional()
    .describe('Entry for low confidence and classifier trouble; absent: the label stands, or 503'),
  sticky: stickySchema.prefault({}),
  rules: z.array(ruleSchema).default([]).describe('Overrule the label; the first that holds wins'),
  second_look: secondLookSchema.prefault({}),
  shadow: shadowSchema.optional(),
  canary: z
    .strictObject({ policy: name, share: z.number().min(0).max(1) })
    .optional()
    .describe('This share of requests is decided by another policy instead'),
  retry_budget: z
    .strictObject({
      attempts: z.int().min(1).default(4).describe('Upstream attempts per request, the first included'),
      time_ms: ms(
        'No target is asked a second time later than this after the first attempt, whatever pause it asks for (retry-after): the client is told at once. Each fallback is asked once all the same',
        5_000,
      ),
    })
    .prefault({}),
  hedge: hedgeSchema.prefault({}),
  heartbeat_ms: z
    .int()
    .min(0)
    .default(15_000)
    .describe(
      'Comment lines before a slow first token, so often: proxies cut what is silent for 60 s; falling back goes on behind them. 0 is off, milliseconds',
    ),
  llms: z.array(entrySchema).min(1).optional().describe('kind labels: one entry a label'),
  ...valueKeys,
});
