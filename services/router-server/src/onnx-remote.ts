/** An OnnxSession in a thread of its own, so that a run of many milliseconds stops no other request. */
import { Worker } from 'node:worker_threads';
import type { OnnxSignature } from './onnx-session.ts';
import type { WorkerOptions, WorkerReply, WorkerRequest } from './onnx-worker.ts';
import type { Tensor, Tensors } from './tensor.ts';

type Waiting = PromiseWithResolvers<unknown>;

export class RemoteSession {
  readonly signature: OnnxSignature;
  readonly #worker: Worker;
  readonly #waiting: Map<number, Waiting>;
  #last = 0;
  #ended: Error | null = null;

  private constructor(worker: Worker, waiting: Map<number, Waiting>, signature: OnnxSignature) {
    this.#worker = worker;
    this.#waiting = waiting;
    this.signature = signature;
    worker.once('exit', () => {
      this.#ended ??= new Error('the thread of this model has ended; load the model again');
    });
  }

  static async load(options: WorkerOptions): Promise<RemoteSession> {
    const worker = new Worker(new URL('./onnx-worker.ts', import.meta.url), { workerData: options });
    const loaded: Waiting = Promise.withResolvers();
    const waiting = new Map<number, Waiting>([[0, loaded]]);
    const fail = (error: Error) => {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    worker.on('message', (reply: WorkerReply) => {
      const waiter = waiting.get(reply.id);
      waiting.delete(reply.id);
      if ('error' in reply) waiter?.reject(new Error(reply.error));
      else waiter?.resolve(reply.value);
    });
    worker.once('error', fail);
    worker.once('exit', (code) => fail(new Error(`the thread of this model ended (exit ${code})`)));
    try {
      const signature = (await loaded.promise) as OnnxSignature;
      // The ports keep the process alive, not its models.
      worker.unref();
      return new RemoteSession(worker, waiting, signature);
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  async run(inputs: Tensors, outputs: readonly string[]): Promise<Map<string, Tensor>> {
    if (this.#ended) throw this.#ended;
    const id = ++this.#last;
    const waiter: Waiting = Promise.withResolvers();
    this.#waiting.set(id, waiter);
    this.#worker.postMessage({ id, inputs, outputs } satisfies WorkerRequest);
    return (await waiter.promise) as Map<string, Tensor>;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
