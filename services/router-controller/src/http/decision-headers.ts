/** Tells the decision in headers. */
import type { Target } from '../config/types.ts';
import { bestOf } from '../decide/index.ts';
import type { Decision, Weighed } from '../request.ts';

const BEYOND = /[^\x20-\x7e]/;

/** Header values are visible ASCII; names in other scripts are percent-encoded, as in URLs. */
export function headerValue(text: string): string {
  // Nearly all are ASCII, and a test costs a tenth of a replacement.
  if (!BEYOND.test(text)) return text;
  return text.replaceAll(/[^\x20-\x7e]+/gu, (run) => encodeURIComponent(run));
}

/** @param target the one that answered; null: none did, and the first choice is told. */
export function decisionHeaders(decision: Decision, target: Target | null): Record<string, string> {
  const model = target ?? decision.targets[0]!;
  return {
    'x-chosen-classifier': headerValue(decision.entry.name),
    'x-llm-router-policy': headerValue(decision.policy.name),
    'x-llm-router-label': headerValue(decision.label ?? decision.entry.name),
    ...(decision.confidence !== null && { 'x-llm-router-confidence': decision.confidence.toFixed(4) }),
    'x-llm-router-model': headerValue(model.model),
    'x-llm-router-reason': decision.reason,
    ...(decision.weighed && valueHeaders(decision.weighed, model)),
  };
}

/** USD without digits that say nothing. */
const usd = (value: number) => String(Number(value.toPrecision(4)));

/** P and estimated cost of the target that answered, and what the one with the most P would have cost. */
function valueHeaders({ offers }: Weighed, { name }: Target): Record<string, string> {
  const offer = offers.find(({ entry }) => entry.name === name);
  return {
    ...(offer && {
      'x-llm-router-quality': offer.quality.toFixed(4),
      'x-llm-router-cost-estimate-usd': usd(offer.estimate.usd),
    }),
    'x-llm-router-cost-best-usd': usd(bestOf(offers).estimate.usd),
  };
}
