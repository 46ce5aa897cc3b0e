/** Pure: probabilities that are told more, or less, surely. */
import type { Classification } from './choose.ts';

/**
 * The same answer as a softmax of its logits over a temperature: the order of the labels stays, above 1 none is as sure.
 *
 * Probabilities are what is left of the logits, and enough: a power of each, made to add up again. One-hot answers stay.
 */
export function tempered(classification: Classification, temperature: number): Classification {
  const { scores, label } = classification;
  const powers = Object.entries(scores).map(
    ([name, value]) => [name, Math.max(0, value) ** (1 / temperature)] as const,
  );
  const sum = powers.reduce((all, [, value]) => all + value, 0);
  if (sum === 0) return classification;
  const told = Object.fromEntries(powers.map(([name, value]) => [name, value / sum]));
  return {
    ...classification,
    scores: told,
    confidence: Math.min(1, told[label] ?? classification.confidence),
  };
}
