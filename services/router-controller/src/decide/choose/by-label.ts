/** Pure, and without imports, so that the playground's page runs it too: what a label leads to in a policy's table. */

/** A policy as far as labels choose within it. */
export interface LabelTable<E> {
  /** By label. */
  readonly entries: ReadonlyMap<string, E>;
  readonly fallback: E | null;
}

export interface LabelChoice<E> {
  readonly entry: E;
  readonly reason: 'classified' | 'low_confidence' | 'low_confidence_fallback' | 'unknown_label_fallback';
}

/**
 * Picks the entry by the label: an unknown one, then low confidence, then the label itself. Rules come before.
 *
 * @param threshold top-1 probability under which the fallback entry is used.
 * @returns null when the label has no entry and the policy no fallback.
 */
export function chooseEntry<E>(
  policy: LabelTable<E>,
  classification: { readonly label: string; readonly confidence: number },
  threshold: number,
): LabelChoice<E> | null {
  const entry = policy.entries.get(classification.label);
  if (entry === undefined)
    return policy.fallback ? { entry: policy.fallback, reason: 'unknown_label_fallback' } : null;
  if (classification.confidence < threshold) {
    return policy.fallback
      ? { entry: policy.fallback, reason: 'low_confidence_fallback' }
      : { entry, reason: 'low_confidence' };
  }
  return { entry, reason: 'classified' };
}
