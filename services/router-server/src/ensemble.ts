/** Ensembles: checked when loaded, then run step by step as tensors become available. */
import type { ModelConfig, TensorSpec } from './model-config.ts';
import { checkSameEncoder } from './same-encoder.ts';
import type { Tensor, Tensors } from './tensor.ts';

/** What a plan needs to know of a step's model. */
export interface KnownModel {
  readonly config: ModelConfig;
  readonly version: string;
}

/** What a run needs of it. */
export interface StepModel {
  /** @param outputs names of those that later steps, or whoever asks, need. */
  readonly infer: (inputs: Tensors, outputs: readonly string[]) => Promise<Tensors>;
}

const fits = (a: TensorSpec, b: TensorSpec) =>
  a.datatype === b.datatype &&
  a.dims.length === b.dims.length &&
  a.dims.every((n, i) => n === -1 || b.dims[i] === -1 || n === b.dims[i]);

const show = ({ name, datatype, dims }: TensorSpec) => `${name} ${datatype}[${dims.join(',')}]`;

/**
 * Checks that every tensor has one source, types fit, and no step waits for itself.
 *
 * @returns the steps in an order in which each one's inputs exist.
 * @throws Error that names ensemble, step and tensor.
 */
export function planEnsemble(
  config: ModelConfig,
  find: (model: string) => KnownModel | null,
): ModelConfig['steps'] {
  const at = `ensemble ${config.name}`;
  if (config.steps.length === 0) throw new Error(`${at} has no steps`);
  const known = new Map<string, TensorSpec>(config.inputs.map((spec) => [spec.name, spec]));
  const ordered: ModelConfig['steps'][number][] = [];
  let left = [...config.steps];
  while (left.length > 0) {
    const ready = left.filter((step) => Object.values(step.inputMap).every((tensor) => known.has(tensor)));
    if (ready.length === 0) {
      const waiting = left.map(
        (step) =>
          `${step.model} waits for ${Object.values(step.inputMap)
            .filter((t) => !known.has(t))
            .join(', ')}`,
      );
      throw new Error(`${at}: no step can go on; ${waiting.join('; ')}`);
    }
    for (const step of ready) {
      const model = find(step.model);
      if (!model) throw new Error(`${at}: its step '${step.model}' is not loaded`);
      if (step.version && step.version !== model.version)
        throw new Error(
          `${at}: step ${step.model} wants version ${step.version}, served is ${model.version}`,
        );
      checkBatch(at, config, model.config);
      checkStep(at, step, model.config, known);
      ordered.push(step);
    }
    left = left.filter((step) => !ready.includes(step));
  }
  for (const output of config.outputs) {
    const source = known.get(output.name);
    if (!source) throw new Error(`${at}: no step makes its output ${output.name}`);
    if (!fits(output, source)) throw new Error(`${at}: output ${show(output)} is made as ${show(source)}`);
  }
  checkSameEncoder(config.name, ordered, find);
  return ordered;
}

function checkBatch(at: string, ensemble: ModelConfig, model: ModelConfig): void {
  const [whole, part] = [ensemble.maxBatchSize, model.maxBatchSize];
  if (part < whole || (whole === 0) !== (part === 0))
    throw new Error(`${at}: its max_batch_size is ${whole}, but that of its step ${model.name} is ${part}`);
}

function checkStep(
  at: string,
  step: ModelConfig['steps'][number],
  model: ModelConfig,
  known: Map<string, TensorSpec>,
): void {
  for (const input of model.inputs) {
    const tensor = step.inputMap[input.name];
    if (tensor === undefined)
      throw new Error(`${at}: step ${step.model} leaves its input ${input.name} unmapped`);
    const source = known.get(tensor)!;
    if (!fits(input, source))
      throw new Error(`${at}: step ${step.model} wants ${show(input)}, but ${tensor} is ${show(source)}`);
  }
  const stray = Object.keys(step.inputMap).find((name) => !model.inputs.some((input) => input.name === name));
  if (stray) {
    const names = model.inputs.map(show).join(', ');
    throw new Error(`${at}: step ${step.model} has no input ${stray}; it has ${names}`);
  }
  for (const [output, tensor] of Object.entries(step.outputMap)) {
    const spec = model.outputs.find((item) => item.name === output);
    if (!spec)
      throw new Error(
        `${at}: step ${step.model} has no output ${output}; it has ${model.outputs.map(show).join(', ')}`,
      );
    if (known.has(tensor)) throw new Error(`${at}: tensor ${tensor} is made twice`);
    known.set(tensor, spec);
  }
}

/** Runs the steps; the tokens of one request are never gathered here, each step's model does its own batching. */
export async function runEnsemble(
  steps: ModelConfig['steps'],
  model: (name: string) => StepModel,
  inputs: Tensors,
  outputs: readonly string[],
): Promise<Tensors> {
  const known = new Map<string, Tensor>(inputs);
  for (const step of steps) {
    const own = new Map(Object.entries(step.inputMap).map(([name, tensor]) => [name, known.get(tensor)!]));
    const made = await model(step.model).infer(own, Object.keys(step.outputMap));
    for (const [name, tensor] of Object.entries(step.outputMap)) known.set(tensor, made.get(name)!);
  }
  return new Map(outputs.map((name) => [name, known.get(name)!]));
}
