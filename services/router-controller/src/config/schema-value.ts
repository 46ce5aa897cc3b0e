/** Policies of `kind: value`: what decides between P(good answer) and money. */
import { z } from 'zod';

const name = z.string().trim().min(1).max(120);

/** Ways to weigh P(good) against the estimated cost, and what each number may be. */
export const CHOOSE = {
  willingness_usd: z
    .number()
    .min(0)
    .describe('A good answer instead of a bad one is worth so much, USD: the most P − cost / this'),
  quality_floor: z.number().min(0).max(1).describe('The cheapest target with P of at least this'),
  regret: z.number().min(0).max(1).describe('The cheapest target with P at most this far below the best P'),
  cost_share: z
    .number()
    .min(0)
    .max(1)
    .describe(
      'Spend this share of what always asking the best target costs: the willingness_usd that does it on the latest prompts',
    ),
} as const;

export type ChooseBy = keyof typeof CHOOSE;
export const CHOOSE_KEYS = Object.keys(CHOOSE) as ChooseBy[];

export const chooseSchema = z
  .strictObject({
    willingness_usd: CHOOSE.willingness_usd.optional(),
    quality_floor: CHOOSE.quality_floor.optional(),
    regret: CHOOSE.regret.optional(),
    cost_share: CHOOSE.cost_share.optional(),
  })
  .refine(
    (choose) => CHOOSE_KEYS.filter((key) => choose[key] !== undefined).length === 1,
    `needs exactly one of: ${CHOOSE_KEYS.join(', ')}`,
  );

/** Keys that only policies of `kind: value` have. */
export const valueKeys = {
  targets: z
    .array(name)
    .min(1)
    .optional()
    .describe('kind value: targets to choose from, by name: all that the head has an output for'),
  choose: chooseSchema.optional().describe('kind value: how P and cost are weighed; exactly one of its keys'),
  unfamiliar: z
    .strictObject({
      below: z
        .number()
        .min(0)
        .max(1)
        .default(0.05)
        .describe(
          'Familiarity under which a prompt counts as unlike all training prompts: the share of training-like prompts that are sent away, too',
        ),
      target: name
        .optional()
        .describe(
          'Where such prompts go. Without one they are weighed as all others; a head of value:train knows its targets’ means alone of them then',
        ),
    })
    .optional()
    .describe(
      'kind value: prompts about which the head knows nothing are told as such (reason `unfamiliar`), and go to a fixed target if one is named',
    ),
  answer_tokens: z
    .union([z.int().min(1), z.record(name, z.int().min(1))])
    .default(400)
    .describe(
      'Expected answer where the head tells none, and for max_cost_usd without one, tokens; one number, or one by target',
    ),
  points: z
    .record(z.string().regex(/^[\w.-]{1,40}$/, 'letters, digits, . _ and -'), chooseSchema)
    .default({})
    .describe(
      'kind value: settings by name, which clients ask for as model `POLICY:NAME`, or `auto:NAME` of the default policy. There unless given: cheap (regret 0.1), balanced (`choose`), best (regret 0)',
    ),
  explore: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe(
      'kind value: share of new conversations that a target drawn by lot answers, logged with its probability, so that later training is not blind to targets that are never chosen',
    ),
} as const;

export type FileChoose = z.infer<typeof chooseSchema>;
