/** Notices of what happens to the router, sent to webhooks. */
import { z } from 'zod';
import { parseWebhook } from './webhook.ts';

/** Everything that is told; the first of two names is trouble, the second its end. */
export const NOTICES = [
  'budget.near',
  'budget.spent',
  'breaker.opened',
  'breaker.closed',
  'upstream_key.refused',
  'upstream_key.taken',
  'config.refused',
  'config.applied',
  'classifier.gone',
  'classifier.back',
  'limits.not_shared',
  'limits.shared',
] as const;

const ms = (what: string, least: number, value: number) =>
  z.int().min(least).default(value).describe(`${what}, milliseconds`);

/** As Standard Webhooks writes secrets: 24 to 64 random bytes. */
const SECRET = /^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/;
const secret = z
  .string()
  .refine(
    (text) => {
      const bytes = Buffer.from(text.slice('whsec_'.length), 'base64').length;
      return SECRET.test(text) && bytes >= 24 && bytes <= 64;
    },
    { message: 'want whsec_ and 24 to 64 random bytes in base64: echo "whsec_$(openssl rand -base64 32)"' },
  )
  .describe('Secret that signs: `whsec_` and base64, as Standard Webhooks has it. Never printed');

const webhookSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,64}$/)
      .describe('Names it in the log and in metrics, where its URL never stands'),
    url: z
      .string()
      .superRefine((text, context) => {
        const problem = parseWebhook(text);
        if (problem !== null) context.addIssue({ code: 'custom', message: problem });
      })
      .describe(
        'Where notices are sent, http or https; redirects are not followed. Who knows it may be able to write there, so it counts as a secret: ${ENV} or file:PATH',
      ),
    form: z
      .enum(['json', 'slack'])
      .default('json')
      .describe(
        'json: Standard Webhooks, signed; slack: a text for incoming webhooks of Slack, Mattermost, Rocket.Chat and their like',
      ),
    secret: z
      .union([secret, z.array(secret).min(1).max(4)])
      .optional()
      .describe('Signs what is sent; a list while it is being changed: each of them signs. Needed for json'),
    events: z.array(z.enum(NOTICES)).min(1).optional().describe('Which notices; absent: all'),
  })
  .superRefine(({ form, secret: given }, context) => {
    if (form === 'json' && given === undefined)
      context.addIssue({
        code: 'custom',
        path: ['secret'],
        message:
          'missing: without it the receiver can’t tell who sends; echo "whsec_$(openssl rand -base64 32)"',
      });
    if (form === 'slack' && given !== undefined)
      context.addIssue({ code: 'custom', path: ['secret'], message: 'no receiver of form slack checks one' });
  });

export const notifySchema = z.strictObject({
  webhooks: z
    .array(webhookSchema)
    .max(16)
    .default([])
    .superRefine((webhooks, context) => {
      for (const [index, { name }] of webhooks.entries())
        if (webhooks.findIndex((other) => other.name === name) !== index)
          context.addIssue({ code: 'custom', path: [index, 'name'], message: `'${name}' stands twice` });
    })
    .describe('Who is told of budgets, breakers, refused keys, configurations, classifiers and limits'),
  settle_ms: ms(
    'Least time between two notices of one thing; what flaps is told once, as it stands then',
    0,
    60_000,
  ),
  per_minute: z
    .int()
    .min(1)
    .max(600)
    .default(30)
    .describe(
      'Most notices a minute to one webhook; further ones are dropped, and the next one tells how many',
    ),
  queue: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('Notices that may wait for one webhook; further ones are dropped'),
  timeout_ms: ms('Longest wait for a webhook’s answer', 1, 15_000),
  retry_first_ms: ms('Pause before the first retry; doubles, with jitter', 1, 1_000),
  retry_max_ms: ms('Longest pause of our own; a Retry-After may ask for more', 1, 60_000),
  give_up_ms: ms('A notice that could not be delivered is given up when it is so old', 1, 900_000),
  drain_ms: ms('How long what waits may still be sent when the process stops', 0, 3_000),
});

export type NotifyConfig = z.infer<typeof notifySchema>;
export type WebhookConfig = NotifyConfig['webhooks'][number];
export type NoticeType = (typeof NOTICES)[number];
