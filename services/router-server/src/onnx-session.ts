/** One model.onnx in onnxruntime, as plain data in and out; used on the main thread and inside a worker. */
import './no-telemetry.ts';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Tensor, TensorData, Tensors } from './tensor.ts';

export const ORT_TYPES: Readonly<Record<string, 'float32' | 'int64' | 'int32'>> = {
  FP32: 'float32',
  INT64: 'int64',
  INT32: 'int32',
};
const TYPE_NAMES: Readonly<Record<string, string>> = { float32: 'FP32', int64: 'INT64', int32: 'INT32' };

/** An input or output as the ONNX file declares it; a free dimension is -1. */
export interface OnnxTensor {
  readonly name: string;
  /** onnxruntime's word, such as `float32`. */
  readonly type: string;
  readonly dims: readonly number[];
}

export interface OnnxSignature {
  readonly inputs: readonly OnnxTensor[];
  readonly outputs: readonly OnnxTensor[];
}

function describe(metadata: readonly InferenceSession.ValueMetadata[]): OnnxTensor[] {
  return metadata.map((value) => ({
    name: value.name,
    type: value.isTensor ? value.type : 'not a tensor',
    dims: value.isTensor ? value.shape.map((n) => (typeof n === 'number' ? n : -1)) : [],
  }));
}

export class OnnxSession {
  readonly signature: OnnxSignature;
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
    this.signature = {
      inputs: describe(session.inputMetadata),
      outputs: describe(session.outputMetadata),
    };
  }

  static async load(file: string, threads: number): Promise<OnnxSession> {
    const session = await InferenceSession.create(file, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      // Threads that spin while they wait burn a core that the controller beside us could use; measured, they gain nothing.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    return new OnnxSession(session);
  }

  /**
   * Blocks its thread while it computes: onnxruntime-node has no asynchronous run.
   *
   * @param outputs those to hand over; the whole graph is computed for any of them.
   */
  async run(inputs: Tensors, outputs: readonly string[]): Promise<Map<string, Tensor>> {
    const feeds: Record<string, OrtTensor> = {};
    for (const [name, { datatype, shape, data }] of inputs) {
      feeds[name] = new OrtTensor(ORT_TYPES[datatype] as 'float32', data as Float32Array, [...shape]);
    }
    const results = await this.#session.run(feeds, [...outputs]);
    return new Map(
      outputs.map((name): [string, Tensor] => {
        const { type, dims, data } = results[name]!;
        return [name, { datatype: TYPE_NAMES[type]!, shape: [...dims], data: data as TensorData }];
      }),
    );
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
