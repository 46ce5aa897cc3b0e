/** How a classifier's model is described, whatever protocol its server is asked in. */
import {
  agentTemperatureOf,
  ClassifierError,
  detailsModelOf,
  embeddingOf,
  kindOf,
  type ModelDescription,
  type ModelParameters,
  tokenLimitOf,
  WIRE,
} from './model-client.ts';
import { type ModelConfig, otherEncoder } from './same-encoder.ts';

/** A tensor of KServe v2's model metadata. */
interface Tensor {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

/** The questions of a description; each rejects with a ClassifierError. */
export interface Questions {
  /** ModelConfig is Triton's extension: undefined where a server does not tell. */
  config(model: string): Promise<ModelConfig | undefined>;
  metadata(
    model: string,
  ): Promise<{ readonly inputs?: readonly Tensor[]; readonly outputs?: readonly Tensor[] }>;
  /** One text's OUTPUT: how many numbers it has, and the version of the model that answered ('' or absent: not told). */
  probe(model: string): Promise<{ readonly version: string | undefined; readonly size: number }>;
  /** Names of an output's numbers, by index; null where the server does not know the classification extension. */
  labels(model: string, output: string, size: number): Promise<readonly string[] | null>;
  /** Whether a failure says that the server answers, but not by this model. */
  isAbsent(error: unknown, model: string): boolean;
}

/** Texts one call may carry, where the model takes any number. */
const MOST_TEXTS = 64;

/**
 * Describes the model that tells more, where this one names one and it is there; else this one.
 *
 * @throws ClassifierError
 */
export async function describeModel(model: string, questions: Questions): Promise<ModelDescription> {
  const config = await questions.config(model);
  const stranger = await otherEncoder(config, (name) => questions.config(name));
  const said = stranger ? { otherEncoder: stranger } : {};
  const details = detailsModelOf(config?.parameters);
  if (details) {
    try {
      return { ...(await described(details, config?.parameters, questions)), ...said, model: details };
    } catch (error) {
      if (!questions.isAbsent(error, details)) throw error;
    }
  }
  return { ...(await described(model, config?.parameters, questions)), ...said };
}

async function described(
  model: string,
  parameters: ModelParameters,
  questions: Questions,
): Promise<ModelDescription> {
  const { inputs = [], outputs = [] } = await questions.metadata(model);
  const named = (name: string) => outputs.find((tensor) => tensor.name === name);
  if (!named(WIRE.output)) {
    const names = outputs.map((tensor) => tensor.name).join(', ') || 'none';
    throw new ClassifierError('bad_answer', `model ${model} has no output ${WIRE.output}; it has: ${names}`);
  }
  const { version, size } = await questions.probe(model);
  const scores = named(WIRE.scores);
  const scoreSize = scores ? Math.abs(Number(scores.shape.at(-1))) : 0;
  const input = inputs.find((tensor) => tensor.name === WIRE.input)?.shape ?? [];
  return {
    version: version || '1',
    labels: await questions.labels(model, WIRE.output, size),
    size,
    maxBatch: input.length > 1 && Number(input[0]) === -1 ? MOST_TEXTS : 1,
    hasTokenCount: named(WIRE.tokenCount) !== undefined,
    tokenLimit: tokenLimitOf(parameters),
    ...kindOf(parameters),
    ...agentTemperatureOf(parameters),
    ...embeddingOf(parameters, outputs),
    scoreNames: scores ? ((await questions.labels(model, WIRE.scores, scoreSize)) ?? []) : [],
  };
}
