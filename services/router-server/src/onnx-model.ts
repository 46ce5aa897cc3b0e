/** A model.onnx checked against its config. Large ones compute in a thread of their own, off the event loop. */
import { stat } from 'node:fs/promises';
import type { Run } from './batcher.ts';
import type { ModelConfig, TensorSpec } from './model-config.ts';
import { RemoteSession } from './onnx-remote.ts';
import { OnnxSession, type OnnxSignature, type OnnxTensor, ORT_TYPES } from './onnx-session.ts';
import { concat, slice, type Tensor, type Tensors } from './tensor.ts';

/** A head of tens of kilobytes runs in some 40 µs, less than the way to another thread and back. */
const INLINE_BYTES = 1024 * 1024;

/**
 * Tokens of one run. Attention needs memory by the square of the length, and onnxruntime never gives it back: 64 rows
 * of 256 tokens at once took a gigabyte, in runs of 16 rows a third of it, at the same CPU per row (measured).
 */
const MAX_RUN_TOKENS = 4096;

export interface RunnableModel {
  /** Computes the outputs that are named. */
  readonly run: Run;
  readonly close: () => Promise<void>;
}

const show = (name: string, type: string, dims: readonly number[]) => `${name} ${type}[${dims.join(',')}]`;

function checkTensors(
  kind: string,
  specs: readonly TensorSpec[],
  declared: readonly OnnxTensor[],
  batched: boolean,
): void {
  for (const spec of specs) {
    const type = ORT_TYPES[spec.datatype];
    if (!type)
      throw new Error(`config: ${kind} ${spec.name} is ${spec.datatype}, which no ONNX model takes here`);
    const own = declared.find((tensor) => tensor.name === spec.name);
    if (!own) {
      const names = declared.map((tensor) => tensor.name).join(', ');
      throw new Error(`config names ${kind} ${spec.name}, but the ONNX file has ${kind}s: ${names}`);
    }
    const dims = batched ? [-1, ...spec.dims] : spec.dims;
    const isBatch = (index: number) => batched && index === 0;
    const fits =
      own.type === type &&
      own.dims.length === dims.length &&
      own.dims.every((n, i) => n === -1 || (!isBatch(i) && (dims[i] === -1 || n === dims[i])));
    if (!fits) {
      throw new Error(
        `config has ${kind} ${show(spec.name, type, dims)}, but the ONNX file has ${show(own.name, own.type, own.dims)}`,
      );
    }
  }
}

function check(config: ModelConfig, { inputs, outputs }: OnnxSignature): void {
  const batched = config.maxBatchSize > 0;
  checkTensors('input', config.inputs, inputs, batched);
  checkTensors('output', config.outputs, outputs, batched);
  const unfed = inputs.find((own) => !config.inputs.some((spec) => spec.name === own.name));
  if (unfed) throw new Error(`the ONNX file wants input ${unfed.name}, which the config does not name`);
}

/** Runs a large batch of sequences ([rows, tokens, …]) in parts, one after the other. */
export function inParts(run: Run, maxTokens = MAX_RUN_TOKENS): Run {
  return async (inputs, outputs) => {
    const shapes = [...inputs.values()].map(({ shape }) => shape);
    const rows = shapes[0]![0]!;
    const longest = Math.max(1, ...shapes.map((shape) => shape[1] ?? 1));
    const atOnce = Math.max(1, Math.floor(maxTokens / longest));
    if (rows <= atOnce) return run(inputs, outputs);
    const parts: Tensors[] = [];
    for (let from = 0; from < rows; from += atOnce) {
      const to = Math.min(rows, from + atOnce);
      const part = new Map([...inputs].map(([name, tensor]) => [name, slice(tensor, from, to)]));
      parts.push(await run(part, outputs));
    }
    const joined = [...parts[0]!.keys()].map((name): [string, Tensor] => [
      name,
      concat(parts.map((part) => part.get(name)!)),
    ]);
    return new Map(joined);
  };
}

/** @throws Error when the file is missing or broken, or when its inputs and outputs are not the config's. */
export async function loadOnnxModel(
  file: string,
  config: ModelConfig,
  threads: number,
): Promise<RunnableModel> {
  const info = await stat(file).catch(() => null);
  if (!info?.isFile()) throw new Error(`its version folder has no ${config.modelFilename}`);
  const session =
    info.size > INLINE_BYTES ? await RemoteSession.load({ file, threads }) : await OnnxSession.load(file, 1);
  try {
    check(config, session.signature);
  } catch (error) {
    await session.close();
    throw error;
  }
  const run: Run = (inputs, outputs) => session.run(inputs, outputs);
  const isSequence = config.maxBatchSize > 0 && config.inputs.some((spec) => spec.dims.includes(-1));
  return { run: isSequence ? inParts(run) : run, close: () => session.close() };
}
