/** A KServe server that is asked: whole answers by their probabilities, and what it says of itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createKServeClient,
  encodeBytes,
  type KServeClient,
  type ModelConfigMessage,
  readOutput,
} from '../../protos/src/index.ts';

const DEADLINE_MS = 60_000;

export interface Server {
  /** @returns a row of probabilities for each prompt. */
  readonly classify: (model: string, prompts: readonly string[]) => Promise<number[][]>;
  readonly config: (model: string) => Promise<ModelConfigMessage>;
  /** Names of the models that are ready. */
  readonly ready: () => Promise<string[]>;
  readonly close: () => void;
}

type Methods = { [K in keyof KServeClient]: KServeClient[K] extends (...args: never) => unknown ? K : never };

export function connect(address: string): Server {
  const client = createKServeClient(address, { 'grpc.enable_http_proxy': 0 });
  const call = <T>(method: keyof Methods, request: object): Promise<T> =>
    new Promise((resolve, reject) => {
      const unary = client[method] as (request: object, options: object, done: unknown) => void;
      unary.call(client, request, { deadline: Date.now() + DEADLINE_MS }, (error: unknown, answer: T) =>
        error ? reject(error) : resolve(answer),
      );
    });
  return {
    classify: async (model, prompts) => {
      const answer = await call<Parameters<typeof readOutput>[0]>('ModelInfer', {
        model_name: model,
        inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [prompts.length, 1] }],
        outputs: [{ name: 'OUTPUT' }],
        raw_input_contents: [encodeBytes(prompts)],
      });
      const flat = readOutput(answer, 'OUTPUT')?.numbers ?? [];
      const width = flat.length / prompts.length;
      return prompts.map((_, row) => [...flat.slice(row * width, (row + 1) * width)]);
    },
    config: async (model) =>
      (await call<{ config: ModelConfigMessage }>('ModelConfig', { name: model })).config,
    ready: async () => {
      const { models } = await call<{ models: { name: string; state: string }[] }>('RepositoryIndex', {});
      return models.filter(({ state }) => state === 'READY').map(({ name }) => name);
    },
    close: () => client.close(),
  };
}

/** @throws Error with the last trouble when it is not ready in time. */
export async function untilReady(server: Server, ms: number): Promise<string[]> {
  for (const until = Date.now() + ms; ; await sleep(500)) {
    try {
      const names = await server.ready();
      if (names.some((name) => name.endsWith('_ensemble'))) return names;
      throw new Error('no ensemble of its is ready');
    } catch (error) {
      if (Date.now() > until) throw new Error(`not ready after ${ms / 1000} s: ${(error as Error).message}`);
    }
  }
}
