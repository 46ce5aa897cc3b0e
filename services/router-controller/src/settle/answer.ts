/** Which attempt gave the answer, and when. */
import { UNSENT } from '../call/index.ts';
import type { Attempt, CallOutcome } from '../request.ts';

export const wasSent = ({ outcome }: Attempt) => !UNSENT.has(outcome);

/** The attempt that answered: until its first content, and in all; null: none did. */
export function answerOf({
  attempts,
  startedMs,
  upstreamMs,
}: CallOutcome): { firstMs: number; ms: number } | null {
  // A client that leaves ends an answer, it does not make it none.
  const answered = attempts.findLast((attempt) => attempt.outcome === 'ok');
  return answered ? { firstMs: answered.durationMs, ms: startedMs + upstreamMs - answered.startedMs } : null;
}
