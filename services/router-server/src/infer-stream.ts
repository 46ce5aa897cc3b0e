/** `ModelStreamInfer`: many inferences by one call, each answered as soon as it is ready, with its request's id. */
import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js';
import type { ModelInferRequest } from '@llm-router/protos';
import { errorText, InferError } from './errors.ts';

/** Requests of one stream that are worked on together; more wait on the wire. */
const MOST_AT_ONCE = 64;

type Infer = (request: ModelInferRequest, signal: AbortSignal) => Promise<object>;
type Stream = ServerDuplexStream<ModelInferRequest | InferError, object>;

export class InferStreams {
  readonly #infer: Infer;
  readonly #open = new Set<() => void>();
  #closing = false;

  /** @param infer one inference; its answer is a ModelInferResponse. */
  constructor(infer: Infer) {
    this.#infer = infer;
  }

  readonly handler: handleBidiStreamingCall<ModelInferRequest | InferError, object> = (call: Stream) => {
    const left = new AbortController();
    let running = 0;
    let ended = false;
    const endWhenIdle = () => {
      if (running > 0 || !(ended || this.#closing)) return;
      this.#open.delete(endWhenIdle);
      call.end();
    };
    // Who reads no answers, or asks faster than they are made, is not read on.
    const flow = () => {
      if (running >= MOST_AT_ONCE || call.writableNeedDrain) call.pause();
      else call.resume();
    };
    this.#open.add(endWhenIdle);
    call.on('error', () => {});
    call.on('cancelled', () => {
      this.#open.delete(endWhenIdle);
      left.abort();
    });
    call.on('end', () => {
      ended = true;
      endWhenIdle();
    });
    call.on('drain', flow);
    call.on('data', async (request: ModelInferRequest | InferError) => {
      running++;
      flow();
      const answer = await this.#answer(request, left.signal);
      running--;
      if (left.signal.aborted) return;
      call.write(answer);
      flow();
      endWhenIdle();
    });
    endWhenIdle();
  };

  async #answer(request: ModelInferRequest | InferError, signal: AbortSignal): Promise<object> {
    const id = request instanceof InferError ? '' : (request.id ?? '');
    try {
      if (request instanceof InferError) throw request;
      return { infer_response: await this.#infer(request, signal) };
    } catch (error) {
      return { error_message: errorText(error), infer_response: { id } };
    }
  }

  /** Ends streams as soon as they owe no answer, also those that come later: a server that stops waits for open calls. */
  close(): void {
    this.#closing = true;
    for (const end of [...this.#open]) end();
  }
}
