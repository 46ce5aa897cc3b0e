/** Tells the decision in headers. */
import type { Target } from '../config/types.ts';
import type { Decision } from '../request.ts';

/** Header values are visible ASCII; names in other scripts are percent-encoded, as in URLs. */
export function headerValue(text: string): string {
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
  };
}
