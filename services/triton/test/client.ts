/** A small KServe client for the tests of this folder. */
import {
  createKServeClient,
  encodeBytes,
  type KServeClient,
  type ModelInferResponse,
  readOutput,
} from '@llm-router/protos';

const DEADLINE_MS = 60_000;

export interface Answer {
  readonly response: ModelInferResponse;
  /** Values of an output, all rows flat. @throws Error when the answer has no such output. */
  readonly numbers: (output: string) => readonly number[];
  readonly texts: (output: string) => string[];
  readonly shape: (output: string) => readonly number[];
}

export class Client {
  readonly grpc: KServeClient;

  constructor(address: string) {
    this.grpc = createKServeClient(address);
  }

  /**
   * Classifies or tokenizes a batch of prompts.
   *
   * @param classes for each output of this record: asks for so many classes as `score:index:label`.
   */
  infer(
    model: string,
    prompts: readonly (string | Uint8Array)[],
    classes: Readonly<Record<string, number>> = {},
  ): Promise<Answer> {
    return this.inferRaw({
      model_name: model,
      inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [prompts.length, 1] }],
      outputs: Object.entries(classes).map(([name, count]) => ({
        name,
        parameters: { classification: { int64_param: count } },
      })),
      raw_input_contents: [encodeBytes(prompts)],
    });
  }

  inferRaw(request: Parameters<KServeClient['ModelInfer']>[0]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.grpc.ModelInfer(request, { deadline: Date.now() + DEADLINE_MS }, (error, response) => {
        if (error) return reject(error);
        const output = (name: string) => {
          const values = readOutput(response, name);
          if (!values) throw new Error(`the answer has no output ${name}`);
          return values;
        };
        resolve({
          response,
          numbers: (name) => output(name).numbers,
          texts: (name) => output(name).bytes.map(String),
          shape: (name) => output(name).tensor.shape,
        });
      });
    });
  }

  close(): void {
    this.grpc.close();
  }
}

/** Index of the largest value, and how far it stands above the second. */
export function top(values: readonly number[]): { index: number; margin: number } {
  const order = values.map((_, index) => index).sort((a, b) => values[b]! - values[a]!);
  return { index: order[0]!, margin: values[order[0]!]! - values[order[1]!]! };
}
