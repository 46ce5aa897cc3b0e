/** Rules of a policy: conditions on what a request is, in a small language of typed keys, and what follows. */
import { z } from 'zod';
import { PATHS, SIDE_REQUESTS, TOOL_KINDS } from '../understand/facts.ts';

const name = z.string().trim().min(1).max(120);
const oneOrMore = <T extends z.ZodType>(item: T) =>
  z
    .union([item, z.array(item).min(1).max(64)])
    .transform((value) => (Array.isArray(value) ? value : [value]));

const range = (what: string, most = Number.MAX_SAFE_INTEGER) =>
  z
    .strictObject({
      above: z.number().min(0).max(most).optional().describe('More than this'),
      below: z.number().min(0).max(most).optional().describe('Less than this'),
    })
    .refine(({ above, below }) => above !== undefined || below !== undefined, 'give `above`, `below` or both')
    .refine(
      ({ above, below }) => above === undefined || below === undefined || above < below,
      'can never hold: `above` is not less than `below`',
    )
    .describe(what);

const headerTest = z.union([
  oneOrMore(z.string()).describe('Value, or values of which one is wanted; case does not matter'),
  z.boolean().describe('Whether it is there at all'),
]);

const features = {
  tools: z
    .union([z.boolean(), oneOrMore(z.enum(TOOL_KINDS))])
    .optional()
    .describe('Whether it brings tools, or kinds of tools of which one is there'),
  agent: z
    .union([z.boolean(), oneOrMore(z.enum(['coding', 'general']))])
    .optional()
    .describe('An agent that works with tools; `coding`: they edit files or run commands'),
  tool_result_last: z.boolean().optional().describe('The last message is a tool’s result'),
  images: z.boolean().optional(),
  audio: z.boolean().optional(),
  files: z.boolean().optional(),
  tokens: range('Estimated tokens of the whole prompt').optional(),
  answer_tokens: range('Largest answer that is asked for, tokens; 0 where it is not said').optional(),
  format: oneOrMore(z.enum(['text', 'json_object', 'json_schema']))
    .optional()
    .describe('Response format'),
  stream: z.boolean().optional(),
  path: oneOrMore(z.enum(PATHS))
    .optional()
    .describe(
      'What was called; `fim` is a completion with a suffix or fill-in-the-middle tokens, or a chat that orders one',
    ),
  side_request: z
    .union([z.boolean(), oneOrMore(z.enum(SIDE_REQUESTS))])
    .optional()
    .describe('What a client asks on its own account about a conversation'),
  language: oneOrMore(z.string().regex(/^[a-z]{2}$/, 'two letters, as `de`'))
    .optional()
    .describe('ISO 639-1 of the ask, where its script or words tell'),
  script: oneOrMore(z.string().regex(/^[a-z]+$/))
    .optional()
    .describe('`latin`, `cyrillic`, `han` …'),
  user_agent: oneOrMore(z.string().regex(/^[a-z][a-z\d-]*$/, 'a family in lower case, as `claude-cli`'))
    .optional()
    .describe('First product of the User-Agent header: `claude-cli`, `openai-python`, `browser`'),
  turn: oneOrMore(z.enum(['first', 'next', 'loop'])).optional(),
  turns: range('Messages of the request').optional(),
  header: z
    .record(z.string().trim().min(1), headerTest)
    .refine((headers) => Object.keys(headers).length > 0, 'name at least one header')
    .transform((headers) =>
      Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value])),
    )
    .optional()
    .describe('Request headers by name'),
  label: oneOrMore(name).optional().describe('The classifier’s label'),
  confidence: range('Its probability', 1).optional(),
};

/** Keys side by side all have to hold. Built twice: what stands inside `not` and `any` has no further levels. */
const inner = z
  .strictObject(features)
  .refine((when) => Object.keys(when).length > 0, 'is empty: it would hold for every request');
export const conditionSchema = z
  .strictObject({
    ...features,
    not: inner.optional().describe('Holds where this does not'),
    any: z.array(inner).min(1).max(16).optional().describe('One of these has to hold'),
  })
  .refine((when) => Object.keys(when).length > 0, 'is empty: it would hold for every request');

export const ruleSchema = z
  .strictObject({
    name: name.optional().describe('Told where the rule decides'),
    score: z
      .string()
      .optional()
      .describe('A score the classifier gives, for example prompt_complexity_score'),
    at_least: z.number().optional().describe('The rule holds from this value of the score on'),
    when: conditionSchema.optional().describe('What the request is; with a score both have to hold'),
    entry: name.optional().describe('Entry used when it holds'),
    target: name.optional().describe('Target used when it holds'),
    label: name.optional().describe('What the request is taken for, whatever the classifier says'),
  })
  .refine(
    (rule) => rule.when !== undefined || rule.score !== undefined,
    'needs `when`, or `score` and `at_least`',
  )
  .refine(
    (rule) => (rule.score === undefined) === (rule.at_least === undefined),
    '`score` and `at_least` go together',
  )
  .refine(
    ({ entry, target, label }) =>
      entry === undefined
        ? target !== undefined || label !== undefined
        : target === undefined && label === undefined,
    'needs `entry`, or `target`, or `label`, or `target` and `label` together',
  );

export type InnerCondition = z.infer<typeof inner>;
export type Condition = z.infer<typeof conditionSchema>;
export type FileRule = z.infer<typeof ruleSchema>;

export const secondLookSchema = z.strictObject({
  enabled: z.boolean().default(true),
  below: z
    .number()
    .min(0)
    .max(1)
    .default(0.7)
    .describe('A label less likely than this is looked at again together with the turns before it'),
  labels: z
    .record(name, z.number().min(0).max(1))
    .default({ Unknown: 1, Other: 0.96, Chatbot: 0.9 })
    .describe(
      'Labels that say little of a follow-up, and up to which probability they do; others of the policy don’t count',
    ),
});
