/** A head reads the numbers of the encoder that it was trained on; another encoder's mean nothing to it, and its answers would be guesses. */
import type { ModelConfig } from './model-config.ts';

/** The parameter that tells an encoder's own fingerprint, and in a head that of the encoder it was trained on. */
export const FINGERPRINT = 'encoder_fingerprint';

/**
 * Compares each step that reads an encoder's output with that encoder. Encoders without a fingerprint (converted ones, and those
 * of before there was any) go with any head.
 *
 * @throws Error that names the head and the command that makes it anew.
 */
export function checkSameEncoder(
  ensemble: string,
  steps: ModelConfig['steps'],
  find: (model: string) => { readonly config: ModelConfig } | null,
): void {
  const madeBy = new Map<string, ModelConfig>();
  for (const step of steps) {
    const model = find(step.model)!.config;
    for (const tensor of Object.values(step.outputMap)) madeBy.set(tensor, model);
  }
  for (const { model: head, inputMap } of steps) {
    for (const tensor of Object.values(inputMap)) {
      const encoder = madeBy.get(tensor);
      const wanted = encoder?.parameters[FINGERPRINT];
      if (encoder === undefined || wanted === undefined) continue;
      const had = find(head)!.config.parameters[FINGERPRINT];
      if (had === wanted) continue;
      const policy = head.replace(/_head$/, '');
      throw new Error(
        `ensemble ${ensemble}: ${head} was trained on another encoder (${had ?? 'it does not say which'}) than ${encoder.name} is now (${wanted}). ` +
          `Train it again: npm run policy:train -- --name ${policy} --data FILE`,
      );
    }
  }
}
