/** The thread in which a large model computes; see onnx-remote.ts for the other side. */
import { parentPort, workerData } from 'node:worker_threads';
import { OnnxSession } from './onnx-session.ts';
import type { Tensor } from './tensor.ts';

export interface WorkerOptions {
  readonly file: string;
  readonly threads: number;
}

export interface WorkerRequest {
  readonly id: number;
  readonly outputs: readonly string[];
  readonly inputs: ReadonlyMap<string, Tensor>;
}

/** `id` 0 tells that the model is loaded. */
export type WorkerReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

const port = parentPort!;
const { file, threads } = workerData as WorkerOptions;
const text = (error: unknown) => (error instanceof Error ? error.message : String(error));

try {
  const session = await OnnxSession.load(file, threads);
  port.on('message', async ({ id, inputs, outputs }: WorkerRequest) => {
    try {
      port.postMessage({ id, value: await session.run(inputs, outputs) } satisfies WorkerReply);
    } catch (error) {
      port.postMessage({ id, error: text(error) } satisfies WorkerReply);
    }
  });
  port.postMessage({ id: 0, value: session.signature } satisfies WorkerReply);
} catch (error) {
  port.postMessage({ id: 0, error: text(error) } satisfies WorkerReply);
}
