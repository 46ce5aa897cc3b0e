/** Turns for the what-if tab. */
import { type Answer, tokensOf } from './answer.ts';
import type { Routing } from './config.ts';
import { note } from './decisions.ts';
import { targetOf } from './settings.ts';

/** Notes a turn that was answered: what its headers told, and what it used. */
export function noteTurn({ told, usage, bill }: Answer, routing: Routing, text: string): void {
  if (!told) return;
  const { policy, label, confidence, reason, entry, model } = told;
  const manual = routing.routing_strategy === 'manual';
  note('turns', {
    policy,
    strategy: routing.routing_strategy,
    model: manual ? routing.model : null,
    threshold: routing.threshold ?? null,
    label: confidence === null ? null : label,
    confidence,
    // Headers tell the likeliest label alone, which is all that a table goes by.
    scores: confidence === null ? null : { [label]: confidence },
    reason,
    entry,
    target: targetOf(policy, entry, model),
    usage: usage && tokensOf(usage),
    cost_usd: bill?.usd ?? null,
    text,
  });
}
