/** A value head's outputs against a policy's targets: by name, and refused where they differ. */
import { hint } from '../../config/problems.ts';
import type { Policy } from '../../config/types.ts';
import { FAMILIARITY } from '../choose/value.ts';
import { LabelMismatch } from './label-mismatch.ts';
import type { ModelDescription } from './model-client.ts';

const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ');

/**
 * @returns target by index of OUTPUT.
 * @throws LabelMismatch naming both sides.
 */
export function matchTargets(policy: Policy, model: ModelDescription): readonly string[] {
  const targets = [...policy.entries.keys()];
  if (model.kind === null)
    throw new LabelMismatch(
      `policy '${policy.name}' is of kind value, but its model is a head of labels (it has no parameter kind: value)` +
        `${model.labels ? `: ${model.labels.join(', ')}` : ''}. Train one with value:train, or list \`llms\` and leave \`kind\` out`,
    );
  const { labels } = model;
  if (labels === null)
    throw new LabelMismatch(
      `policy '${policy.name}' is of kind value, but its model publishes no names of its ${model.size} outputs to match ` +
        `the targets by. Targets: ${targets.join(', ')}`,
    );
  const without = targets.filter((name) => !labels.includes(name));
  const spare = labels.filter((name) => !policy.entries.has(name));
  if (without.length > 0 || spare.length > 0) {
    const parts = [
      `policy '${policy.name}': its targets and its head's outputs are not the same set`,
      without.length > 0 &&
        `targets without an output: ${without.map((name) => `'${name}'${hint(name, spare)}`).join(' ')}; train the head anew with their answers`,
      spare.length > 0 &&
        `outputs without a target: ${quoted(spare)}; a request may leave them out (targets, exclude), the policy lists all`,
      `head: ${labels.join(', ')}`,
      `policy: ${targets.join(', ')}`,
    ];
    throw new LabelMismatch(parts.filter(Boolean).join('\n  '));
  }
  if (policy.value?.unfamiliar && !model.scoreNames.includes(FAMILIARITY))
    throw new LabelMismatch(
      `policy '${policy.name}': \`unfamiliar\` needs the score '${FAMILIARITY}', which its head does not give. ` +
        `Scores of the model: ${model.scoreNames.join(', ') || 'none'}`,
    );
  return labels;
}
