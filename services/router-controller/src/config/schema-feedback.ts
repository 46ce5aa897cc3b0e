/** Scores of answers, given afterwards. */
import { z } from 'zod';

export const feedbackSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('POST /v1/feedback takes scores of answers'),
  keep_ms: z
    .int()
    .min(1_000)
    .default(6 * 3_600_000)
    .describe('How long after its answer a request can be scored, milliseconds'),
  keep: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(50_000)
    .describe('Requests that this process remembers for it; the oldest is forgotten first'),
});

export type FeedbackConfig = z.infer<typeof feedbackSchema>;
