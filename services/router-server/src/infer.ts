/** One inference, whatever protocol it came by: checks the inputs, runs, picks and ranks the outputs. */
import { InferError } from './errors.ts';
import type { LoadedModel } from './load-model.ts';
import type { TensorSpec } from './model-config.ts';
import type { Repository } from './repository.ts';
import { elements, type Tensor, type TensorData, type Tensors } from './tensor.ts';

export interface InputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export interface OutputWish {
  readonly name: string;
  /** Triton's classification extension: the best k as `score:index:label`. 0: the tensor itself. */
  readonly classification: number;
}

export interface InferCall {
  readonly model: string;
  readonly version: string;
  readonly inputs: readonly InputTensor[];
  /** Empty: all outputs. */
  readonly outputs: readonly OutputWish[];
  readonly signal?: AbortSignal;
}

export interface InferAnswer {
  readonly model: LoadedModel;
  readonly outputs: readonly (Tensor & { readonly name: string })[];
}

const bad = (message: string) => new InferError('INVALID_ARGUMENT', message);

function checkInput(model: LoadedModel, spec: TensorSpec, given: InputTensor | undefined): Tensor {
  const { name, maxBatchSize } = model.config;
  const batched = maxBatchSize > 0;
  const wanted = [...(batched ? [-1] : []), ...spec.dims];
  const where = `model '${name}', input '${spec.name}'`;
  if (!given) throw bad(`${where}: missing; it must be ${spec.datatype} of shape [${wanted.join(',')}]`);
  if (given.datatype !== spec.datatype)
    throw bad(`${where}: datatype is ${given.datatype}, it must be ${spec.datatype}`);
  const fits =
    given.shape.length === wanted.length &&
    given.shape.every((n, i) => Number.isInteger(n) && n >= 0 && (wanted[i] === -1 || wanted[i] === n));
  if (!fits) throw bad(`${where}: shape is [${given.shape.join(',')}], it must be [${wanted.join(',')}]`);
  const rows = given.shape[0] ?? 1;
  if (batched && (rows < 1 || rows > maxBatchSize))
    throw bad(`${where}: batch of ${rows}; it may be 1 to ${maxBatchSize}`);
  const count = elements(given.shape);
  if (given.data.length !== count) {
    throw bad(
      `${where}: holds ${given.data.length} elements, shape [${given.shape.join(',')}] wants ${count}`,
    );
  }
  return { datatype: given.datatype, shape: given.shape, data: given.data };
}

function checkInputs(model: LoadedModel, inputs: readonly InputTensor[]): Tensors {
  const specs = model.config.inputs;
  const unknown = inputs.find((input) => !specs.some((spec) => spec.name === input.name));
  if (unknown) {
    throw bad(
      `model '${model.config.name}' has no input '${unknown.name}'; it has: ${specs.map((spec) => spec.name).join(', ')}`,
    );
  }
  const checked = new Map<string, Tensor>();
  for (const spec of specs) {
    const [given, twice] = inputs.filter((input) => input.name === spec.name);
    if (twice) throw bad(`model '${model.config.name}', input '${spec.name}': given twice`);
    checked.set(spec.name, checkInput(model, spec, given));
  }
  if (model.config.maxBatchSize > 0) checkSameBatch(model, checked);
  return checked;
}

function checkSameBatch(model: LoadedModel, inputs: Tensors): void {
  const rows = [...inputs].map(([name, { shape }]) => `${name} ${shape[0]}`);
  if (new Set([...inputs.values()].map(({ shape }) => shape[0])).size > 1)
    throw bad(
      `model '${model.config.name}': inputs of one request must have one batch size, got ${rows.join(', ')}`,
    );
}

/** The best k of each row as Triton writes them: `score:index:label`, without the label where there is none. */
function classify(
  tensor: Tensor,
  k: number,
  labels: readonly string[] | undefined,
  batched: boolean,
): Tensor {
  if (tensor.datatype === 'BYTES') throw bad('classification wants an output of numbers, not BYTES');
  const data = Array.from(tensor.data as Float32Array, Number);
  const rows = batched ? tensor.shape[0]! : 1;
  const size = data.length / rows;
  const best = Math.min(k, size);
  // C's %f for floats, %d for integers.
  const print = (value: number) => (tensor.datatype === 'FP32' ? value.toFixed(6) : String(value));
  const out: Buffer[] = [];
  for (let row = 0; row < rows; row++) {
    const order = Array.from({ length: size }, (_, i) => i).sort(
      (a, b) => data[row * size + b]! - data[row * size + a]! || a - b,
    );
    for (const index of order.slice(0, best)) {
      const label = labels?.[index];
      out.push(
        Buffer.from(`${print(data[row * size + index]!)}:${index}${label === undefined ? '' : `:${label}`}`),
      );
    }
  }
  return { datatype: 'BYTES', shape: batched ? [rows, best] : [best], data: out };
}

/** Rejects as soon as the signal comes; the run itself may still end for its batch mates. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  const cancelled = Promise.withResolvers<never>();
  const onAbort = () => cancelled.reject(new InferError('CANCELLED', 'the request was cancelled'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, cancelled.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => {});
  }
}

/** What of the outputs is wanted; each once, so that a short request can't ask for a long answer. */
function checkWishes(model: LoadedModel, wishes: readonly OutputWish[]): readonly OutputWish[] {
  const names = model.config.outputs.map((output) => output.name);
  if (wishes.length === 0) return names.map((name) => ({ name, classification: 0 }));
  const seen = new Set<string>();
  for (const { name, classification } of wishes) {
    if (!names.includes(name))
      throw bad(`model '${model.config.name}' has no output '${name}'; it has: ${names.join(', ')}`);
    if (seen.has(name)) throw bad(`output '${name}' is asked for twice`);
    seen.add(name);
    if (!Number.isInteger(classification) || classification < 0)
      throw bad(`output '${name}': classification must be the number of classes wanted, 1 or more`);
  }
  return wishes;
}

/** @throws InferError */
export async function infer(repository: Repository, call: InferCall): Promise<InferAnswer> {
  const model = repository.get(call.model, call.version);
  let inputs: Tensors;
  let wishes: readonly OutputWish[];
  const started = performance.now();
  try {
    inputs = checkInputs(model, call.inputs);
    wishes = checkWishes(model, call.outputs);
  } catch (error) {
    model.counts.ended(false, (performance.now() - started) * 1e6);
    throw error;
  }
  const wanted = { outputs: wishes.map(({ name }) => name), signal: call.signal };
  const results = await unlessAborted(model.infer(inputs, wanted), call.signal);
  const outputs = wishes.map(({ name, classification }) => {
    const tensor = results.get(name)!;
    return {
      name,
      ...(classification > 0
        ? classify(tensor, classification, model.labels.get(name), model.config.maxBatchSize > 0)
        : tensor),
    };
  });
  return { model, outputs };
}
