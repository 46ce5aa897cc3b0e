/** The thread that counts tokens: the tables are loaded, and long texts counted, without holding any request up. */
import { parentPort } from 'node:worker_threads';
import type { Uncounted } from '../request.ts';
import { countSample } from './tokenizer.ts';

export interface CountRequest {
  readonly id: number;
  readonly samples: readonly Uncounted[];
}

export interface CountReply {
  readonly id: number;
  readonly tokens: readonly number[];
}

parentPort!.on('message', ({ id, samples }: CountRequest) => {
  parentPort!.postMessage({ id, tokens: samples.map(countSample) } satisfies CountReply);
});
