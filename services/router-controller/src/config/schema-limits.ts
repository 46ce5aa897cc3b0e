/** Limits that several requests share: in this process's memory, or exact over all replicas with a `redis` section. */
import { z } from 'zod';
import { isTimeZone, PERIODS, WEEKDAYS } from './calendar.ts';

/** Whom a limit counts: everybody together, or each caller, tenant, policy or target by itself. */
export const scopeSchema = z.enum(['global', 'key', 'tenant', 'policy', 'target']);

const amounts = {
  requests_per_minute: z.int().min(1).optional().describe('Requests per minute, refilled evenly'),
  tokens_per_minute: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Tokens of prompts and answers per minute: reserved by estimate, set right by the real usage at the end',
    ),
  concurrent: z.int().min(1).optional().describe('Requests in flight at once'),
  burst: z.int().min(1).optional().describe('Requests that may come at once; default: one minute’s worth'),
  burst_tokens: z
    .int()
    .min(1)
    .optional()
    .describe('Tokens that may be taken at once; default: one minute’s worth'),
  on_redis_failure: z
    .enum(['local', 'refuse'])
    .default('local')
    .describe(
      'While Redis is away: local gives each replica its share of the limit, refuse answers 503 limiter_unavailable',
    ),
};

const name = z
  .string()
  .regex(/^[a-z0-9_-]{1,40}$/)
  .describe('Name in answers, logs and metrics');

const countsSomething = (limit: { [name: string]: unknown }) =>
  limit.requests_per_minute !== undefined ||
  limit.tokens_per_minute !== undefined ||
  limit.concurrent !== undefined;
const COUNTS_NOTHING = {
  message: 'limits nothing: give requests_per_minute, tokens_per_minute or concurrent',
};

export const limitSchema = z
  .strictObject({
    name,
    scope: scopeSchema.default('key').describe('Whom it counts'),
    match: z.string().optional().describe('Only this key id, tenant, policy or target; absent: each'),
    ...amounts,
    shadow: z.boolean().default(false).describe('Count, don’t refuse'),
  })
  .refine(countsSomething, COUNTS_NOTHING);

/** Limits that a key carries itself. */
export const ownLimitSchema = z.strictObject(amounts).refine(countsSomething, COUNTS_NOTHING);

const spending = {
  period: z.enum(PERIODS).describe('Calendar day, week or month'),
  time_zone: z
    .string()
    .refine(isTimeZone, {
      message: 'is no time zone that this machine knows; such names are right: Europe/Berlin',
    })
    .optional()
    .describe('Whose days these are, by its IANA name: Europe/Berlin; absent: UTC'),
  begins: z
    .union([z.enum(WEEKDAYS), z.int().min(1).max(28)])
    .optional()
    .describe('Weekday that begins a week (absent: monday), or day that begins a month, 1 to 28 (absent: 1)'),
  usd: z.number().positive().optional().describe('Money by the targets’ prices, USD'),
  tokens: z.int().min(1).optional().describe('Tokens of prompts and answers'),
  warn_at: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('Used share from which answers carry x-llm-router-budget-warning'),
};
const spendsOne = ({ usd, tokens }: { usd?: number | undefined; tokens?: number | undefined }) =>
  (usd === undefined) !== (tokens === undefined);
const SPENDS_ONE = { message: 'give one of: usd, tokens' };

const beginsAsItsPeriod = ({ period, begins }: { period: string; begins?: string | number | undefined }) =>
  begins === undefined || { day: 'none', week: 'string', month: 'number' }[period] === typeof begins;
const BEGINS_SO = {
  message:
    'takes a weekday with period: week, a day from 1 to 28 with period: month, and is left out with period: day',
  path: ['begins'],
};

export const budgetSchema = z
  .strictObject({
    name,
    scope: z.enum(['global', 'key', 'tenant', 'policy']).default('tenant').describe('Whom it counts'),
    match: z.string().optional().describe('Only this key id, tenant or policy; absent: each'),
    ...spending,
    shadow: z.boolean().default(false).describe('Count and warn, don’t refuse'),
  })
  .refine(spendsOne, SPENDS_ONE)
  .refine(beginsAsItsPeriod, BEGINS_SO);

/** A budget that a key carries itself. */
export const ownBudgetSchema = z
  .strictObject(spending)
  .refine(spendsOne, SPENDS_ONE)
  .refine(beginsAsItsPeriod, BEGINS_SO);

/** What no text says of a prompt's size: estimates by kind, for reservations and where no upstream reports tokens. */
export const mediaSchema = z.strictObject({
  image_tokens: z
    .int()
    .min(0)
    .default(1_000)
    .describe('Tokens assumed for an image; most models take 85 to 1,600, by size'),
  audio_bytes_per_token: z
    .int()
    .min(1)
    .default(1_000)
    .describe('Bytes of inline audio a token is assumed to take; MP3 at 128 kbit/s has 16 such a second'),
  file_bytes_per_token: z
    .int()
    .min(1)
    .default(30)
    .describe(
      'Bytes of an inline file (a PDF, a video) a token is assumed to take; a page of 60 KB has 2,000',
    ),
  reference_tokens: z
    .int()
    .min(0)
    .default(3_000)
    .describe('Tokens assumed for audio or a file that is named by its id or URL'),
});

export const admissionSchema = z.strictObject({
  tenant_share: z
    .number()
    .min(0.01)
    .max(1)
    .default(0.75)
    .describe(
      'Share of server.max_in_flight, of the classifier’s turns for POST /v1/route, and of what limits of all callers or of a target have reserved, that one tenant may hold while nobody else holds any; with others it is less, so that who comes next finds some. 1: no bound',
    ),
  media: mediaSchema.prefault({}),
  max_reported_tokens: z
    .int()
    .min(1)
    .default(10_000_000)
    .describe(
      'A report of more tokens for the prompt, or for the answer, of one call is not believed: they are counted or estimated instead. A target’s context_tokens is a closer bound, where it is given',
    ),
  assumed_answer_tokens: z
    .int()
    .min(0)
    .default(512)
    .describe('Tokens reserved for an answer whose request sets no max_tokens'),
  tokenizer: z
    .enum(['o200k_base', 'none'])
    .default('o200k_base')
    .describe(
      'Counts the tokens of answers whose upstream reports none, after they have ended, in a thread that takes 70 MB while it is needed; none: they are estimated, four bytes a token',
    ),
  usage_days: z
    .int()
    .min(1)
    .max(800)
    .default(92)
    .describe('How long usage by day is kept for GET /v1/usage (in memory: until the process ends)'),
});
