/** A model's labels and scores against a policy's entries and rules: by name, and refused where they differ. */
import { hint } from '../../config/problems.ts';
import type { Policy } from '../../config/types.ts';
import { LabelMismatch } from './label-mismatch.ts';
import { matchTargets } from './match-targets.ts';
import type { ModelDescription } from './model-client.ts';

export { LabelMismatch };

/** Entries that need not be labels: the ones that are used for something else than their label. */
export function extraEntries(policy: Policy): Set<string> {
  return new Set([
    ...(policy.fallback ? [policy.fallback.name] : []),
    ...policy.rules.flatMap((rule) => rule.entry?.name ?? rule.label ?? []),
  ]);
}

/**
 * Puts names to the model's outputs.
 *
 * @returns label by index.
 * @throws LabelMismatch naming both sides.
 */
export function matchLabels(policy: Policy, model: ModelDescription): readonly string[] {
  if (policy.value) return matchTargets(policy, model);
  if (model.kind === 'value')
    throw new LabelMismatch(
      `policy '${policy.name}' is of labels, but its model is a value head, whose outputs are targets` +
        `${model.labels ? `: ${model.labels.join(', ')}` : ''}. Write \`kind: value\` with \`targets\` and \`choose\``,
    );
  const entries = [...policy.entries.keys()];
  if (model.labels === null) {
    if (model.size !== entries.length) {
      throw new LabelMismatch(
        `policy '${policy.name}' has ${entries.length} entries, but its model gives ${model.size} outputs and publishes ` +
          `no labels to match by name. Entries: ${entries.join(', ')}`,
      );
    }
    return entries;
  }
  const labels = model.labels;
  const missing = labels.filter((label) => !policy.entries.has(label));
  const spare = extraEntries(policy);
  const unknown = entries.filter((entry) => !labels.includes(entry) && !spare.has(entry));
  // With a fallback entry, a label without an entry of its own has a defined way.
  if (unknown.length > 0 || (missing.length > 0 && !policy.fallback)) {
    const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ');
    const parts = [
      `policy '${policy.name}': its entries and its model's labels are not the same set`,
      unknown.length > 0 &&
        `entries that are no label of the model: ${unknown.map((name) => `'${name}'${hint(name, missing)}`).join(' ')}`,
      missing.length > 0 && `labels of the model without an entry: ${quoted(missing)}`,
      `model labels: ${labels.join(', ')}`,
      `policy entries: ${entries.join(', ')}`,
    ];
    throw new LabelMismatch(parts.filter(Boolean).join('\n  '));
  }
  return labels;
}

/**
 * A rule on a score that the model does not give would never hold, and nobody would notice.
 *
 * @throws LabelMismatch naming the rule and what the model gives.
 */
export function checkScores(
  policy: Policy,
  labels: readonly string[],
  { scoreNames }: ModelDescription,
): void {
  const known = [...scoreNames, ...labels];
  for (const { name, score } of policy.rules) {
    if (!score) continue;
    const given = scoreNames.length > 0 ? scoreNames.join(', ') : 'none but its labels';
    if (!known.includes(score.name)) {
      throw new LabelMismatch(
        `policy '${policy.name}': rule '${name}' looks at the score '${score.name}', which its model does not give, so it can never hold.` +
          `${hint(score.name, known)} Scores of the model: ${given}`,
      );
    }
    if (score.atLeast > 1 && !scoreNames.includes(score.name)) {
      throw new LabelMismatch(
        `policy '${policy.name}': rule '${name}' can never hold: '${score.name}' is a label's probability, which is never ${score.atLeast}`,
      );
    }
  }
}
