/** A model.onnx through onnxruntime on the CPU; inference runs on its own threads, off the event loop. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { ModelConfig } from './model-config.ts';
import type { Tensor, TensorData, Tensors } from './tensor.ts';

const ORT_TYPES: Readonly<Record<string, 'float32' | 'int64' | 'int32'>> = {
  FP32: 'float32',
  INT64: 'int64',
  INT32: 'int32',
};
const TYPE_NAMES: Readonly<Record<string, string>> = { float32: 'FP32', int64: 'INT64', int32: 'INT32' };

export class OnnxModel {
  readonly #session: InferenceSession;
  readonly #outputs: readonly string[];

  private constructor(session: InferenceSession, outputs: readonly string[]) {
    this.#session = session;
    this.#outputs = outputs;
  }

  /** Loads and checks the file against its config: names on both sides must agree. */
  static async load(file: string, config: ModelConfig, threads: number): Promise<OnnxModel> {
    const session = await InferenceSession.create(file, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
    for (const [kind, specs, names] of [
      ['input', config.inputs, session.inputNames],
      ['output', config.outputs, session.outputNames],
    ] as const) {
      const missing = specs.filter((spec) => !names.includes(spec.name));
      if (missing.length > 0) {
        const wanted = missing.map((spec) => spec.name).join(', ');
        throw new Error(
          `config names ${kind} ${wanted}, but the ONNX file has ${kind}s: ${names.join(', ')}`,
        );
      }
    }
    return new OnnxModel(
      session,
      config.outputs.map((spec) => spec.name),
    );
  }

  async run(inputs: Tensors): Promise<Tensors> {
    const feeds: Record<string, OrtTensor> = {};
    for (const [name, { datatype, shape, data }] of inputs) {
      feeds[name] = new OrtTensor(ORT_TYPES[datatype] as 'float32', data as Float32Array, [...shape]);
    }
    const results = await this.#session.run(feeds, [...this.#outputs]);
    return new Map(
      this.#outputs.map((name): [string, Tensor] => {
        const { type, dims, data } = results[name]!;
        return [name, { datatype: TYPE_NAMES[type]!, shape: [...dims], data: data as TensorData }];
      }),
    );
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
