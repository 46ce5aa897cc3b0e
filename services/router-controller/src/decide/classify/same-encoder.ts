/**
 * A head reads the numbers of the encoder that it was trained on. router-server refuses a head of another encoder by itself;
 * Triton serves whatever fits by size, so the controller compares what both configurations tell.
 */
import { LabelMismatch } from './label-mismatch.ts';
import type { ModelDescription, ModelParameters } from './model-client.ts';

/** The parameter of an encoder that names its weights, and of a head that of the encoder it was trained on. */
const FINGERPRINT = 'encoder_fingerprint';

/** As much of Triton's ModelConfig as the comparison needs; both protocols give this form. */
export interface ModelConfig {
  readonly parameters?: ModelParameters;
  readonly ensemble_scheduling?: { readonly step?: readonly EnsembleStep[] } | null;
}

interface EnsembleStep {
  readonly model_name: string;
  readonly input_map?: Readonly<Record<string, string>>;
  readonly output_map?: Readonly<Record<string, string>>;
}

/** Both fingerprints, where a head stands on another encoder than it was trained on. */
export interface OtherEncoder {
  readonly head: string;
  /** null: the head does not say which. */
  readonly trainedOn: string | null;
  readonly encoder: string;
  readonly now: string;
}

/**
 * Looks at every step of an ensemble that reads an encoder's output. Encoders without a fingerprint (converted ones) go with any head.
 *
 * @param configOf a step's configuration; undefined where the server does not tell.
 */
export async function otherEncoder(
  ensemble: ModelConfig | undefined,
  configOf: (model: string) => Promise<ModelConfig | undefined>,
): Promise<OtherEncoder | null> {
  const steps = ensemble?.ensemble_scheduling?.step ?? [];
  if (steps.length < 2) return null;
  const configs = await Promise.all(steps.map((step) => configOf(step.model_name)));
  const madeBy = new Map<string, number>();
  steps.forEach((step, at) => {
    for (const tensor of Object.values(step.output_map ?? {})) madeBy.set(tensor, at);
  });
  for (const [at, step] of steps.entries()) {
    const head = configs[at];
    for (const tensor of Object.values(step.input_map ?? {})) {
      const from = madeBy.get(tensor);
      const now = from === undefined ? null : fingerprintOf(configs[from]);
      if (from === undefined || now === null || head === undefined) continue;
      const trainedOn = fingerprintOf(head);
      if (trainedOn !== now)
        return { head: step.model_name, trainedOn, encoder: steps[from]!.model_name, now };
    }
  }
  return null;
}

const fingerprintOf = (config: ModelConfig | undefined) =>
  config?.parameters?.[FINGERPRINT]?.string_value || null;

/** @throws LabelMismatch that names the head and the command that makes it anew. */
export function checkEncoder(policy: string, model: ModelDescription): void {
  if (!model.otherEncoder) return;
  const { head, trainedOn, encoder, now } = model.otherEncoder;
  const command = model.kind === 'value' ? 'value:train' : 'policy:train';
  throw new LabelMismatch(
    `policy '${policy}': ${head} was trained on another encoder (${trainedOn ?? 'it does not say which'}) than ${encoder} is now (${now}). ` +
      `Train it again: npm run ${command} -- --name ${head.replace(/_head$/, '')} --data FILE`,
  );
}
