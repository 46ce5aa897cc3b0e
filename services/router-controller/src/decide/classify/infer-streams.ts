/**
 * Inferences by streams that stay open (Triton's `ModelStreamInfer`). A call for each request is most of what a decision
 * costs the controller; a message on an open stream costs a fraction. A stream carries one request at a time, as a
 * kept-alive connection does: deadlines and abandoned requests touch nobody else, and a long prompt holds up no short one.
 */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type {
  KServeClient,
  ModelInferRequest,
  ModelInferResponse,
  ModelStreamInferResponse,
} from '@llm-router/protos';
import { aborted, type CallOptions, noAnswer } from './model-client.ts';

/**
 * Older streams are ended, milliseconds: new ones reach new replicas, also behind a proxy that balances by call, and a
 * Triton that stops waits for every open stream.
 */
const MOST_AGE_MS = 2_000;
/** How long a server may take to end its side of a stream, milliseconds. */
const FAREWELL_MS = 1_000;
/** Open streams of one address; what more comes together goes by calls. */
const MOST_STREAMS = 16;

/**
 * How a stream came by no answer: it was never open (`failed`), it was and is no longer, as when a server stops (`ended`),
 * or it brought an error, which has words and no code (`refused`).
 */
type NoAnswer = 'failed' | 'ended' | 'refused';

class InferStream {
  readonly client: KServeClient;
  readonly openedAt = performance.now();
  readonly #duplex: ClientDuplexStream<ModelInferRequest, ModelStreamInferResponse>;
  readonly #onGone: (stream: InferStream) => void;
  #asked = 0;
  #settle: ((answer: ModelInferResponse | NoAnswer) => void) | null = null;
  #farewell: NodeJS.Timeout | null = null;
  gone = false;

  constructor(client: KServeClient, onGone: (stream: InferStream) => void) {
    this.client = client;
    this.#onGone = onGone;
    this.#duplex = client.ModelStreamInfer();
    this.#duplex.on('data', (answer: ModelStreamInferResponse) => this.#take(answer));
    this.#duplex.on('error', () => this.#over());
    this.#duplex.on('end', () => this.#over());
  }

  #take({ error_message, infer_response }: ModelStreamInferResponse): void {
    if (this.#settle && error_message) this.#settle('refused');
    else if (this.#settle && infer_response?.id === String(this.#asked)) this.#settle(infer_response);
    // Nobody asked for it, or it is another request's answer: what follows can't be trusted either.
    else this.cut();
  }

  #over(): void {
    if (this.gone) return;
    this.gone = true;
    if (this.#farewell) clearTimeout(this.#farewell);
    this.#onGone(this);
    this.#settle?.(this.#asked === 1 ? 'failed' : 'ended');
  }

  /** Resolves to undefined when time was up or the signal came. */
  ask(
    request: ModelInferRequest,
    { deadlineMs, signal }: CallOptions,
  ): Promise<ModelInferResponse | NoAnswer | undefined> {
    this.#asked++;
    return new Promise((resolve) => {
      const settle = (answer?: ModelInferResponse | NoAnswer) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        this.#settle = null;
        resolve(answer);
      };
      const giveUp = () => {
        settle();
        this.cut();
      };
      const timer = setTimeout(giveUp, deadlineMs);
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#settle = settle;
      this.#duplex.write({ ...request, id: String(this.#asked) });
    });
  }

  /** Ends it in good order. */
  end(): void {
    this.#duplex.end();
    this.#farewell = setTimeout(() => this.cut(), FAREWELL_MS).unref();
  }

  /** Ends it at once. */
  cut(): void {
    this.#duplex.cancel();
    this.#over();
  }
}

export class InferStreams {
  readonly #address: string;
  readonly #mostAgeMs: number;
  /** Those that wait for a request. The one that has waited longest is next, so that all replicas behind them get work. */
  #idle: InferStream[] = [];
  #open = 0;
  #sweeping: NodeJS.Timeout | null = null;
  #isOn = false;
  #closed = false;

  /** @param address for messages. */
  constructor(address: string, mostAgeMs = MOST_AGE_MS) {
    this.#address = address;
    this.#mostAgeMs = mostAgeMs;
  }

  /** Whether the server is known to answer by streams; until then, and after a doubt, requests go by calls. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /**
   * Asks by a stream whether streams are answered, and takes them into use if so. It belongs in the background: a server
   * that does not know them may also say nothing.
   */
  async probe(client: KServeClient, request: ModelInferRequest, options: CallOptions): Promise<void> {
    if (this.#isOn) return;
    const stream = this.#take(client);
    const answer = await stream?.ask(request, options);
    if (stream) this.#giveBack(stream);
    this.#isOn = typeof answer === 'object' && !this.#closed;
  }

  /**
   * @param call the same by a call of its own, for where there is no stream or it brings no answer.
   * @throws ClassifierError
   */
  async ask(
    client: KServeClient,
    request: ModelInferRequest,
    options: CallOptions,
    call: (options: CallOptions) => Promise<ModelInferResponse>,
  ): Promise<ModelInferResponse> {
    const stream = this.#isOn && !options.signal?.aborted ? this.#take(client) : null;
    if (!stream) return call(options);
    const until = performance.now() + options.deadlineMs;
    const answer = await stream.ask(request, options);
    this.#giveBack(stream);
    if (typeof answer === 'object') return answer;
    if (options.signal?.aborted) throw aborted();
    const deadlineMs = until - performance.now();
    // A slow model, or something between that holds streams up: the next probe tells.
    if (answer === undefined) this.#isOn = false;
    if (answer === undefined || deadlineMs <= 0) throw noAnswer(this.#address, options.deadlineMs);
    if (answer === 'failed') this.#isOn = false;
    const response = await call({ ...options, deadlineMs });
    if (answer === 'refused') this.#isOn = false;
    return response;
  }

  #take(client: KServeClient): InferStream | null {
    for (let stream = this.#idle.shift(); stream; stream = this.#idle.shift()) {
      if (stream.client === client && !this.#isOld(stream)) return stream;
      stream.end();
    }
    if (this.#open >= MOST_STREAMS) return null;
    try {
      const stream = new InferStream(client, (gone) => {
        this.#open--;
        this.#idle = this.#idle.filter((other) => other !== gone);
      });
      this.#open++;
      return stream;
    } catch {
      // A channel that was closed meanwhile takes none; a call tells it.
      return null;
    }
  }

  #isOld(stream: InferStream): boolean {
    return performance.now() - stream.openedAt >= this.#mostAgeMs;
  }

  #giveBack(stream: InferStream): void {
    if (stream.gone) return;
    if (this.#closed) {
      stream.end();
    } else {
      this.#idle.push(stream);
      this.#sweepLater();
    }
  }

  /** Without traffic none is taken, and none ended by that. */
  #sweepLater(): void {
    if (this.#sweeping || this.#idle.length === 0) return;
    const oldest = Math.min(...this.#idle.map(({ openedAt }) => openedAt));
    const inMs = Math.max(1, oldest + this.#mostAgeMs - performance.now());
    this.#sweeping = setTimeout(() => {
      this.#sweeping = null;
      for (const stream of this.#idle.filter((each) => this.#isOld(each))) this.#end(stream);
      this.#sweepLater();
    }, inMs).unref();
  }

  #end(stream: InferStream): void {
    this.#idle = this.#idle.filter((other) => other !== stream);
    stream.end();
  }

  close(): void {
    this.#closed = true;
    this.#isOn = false;
    if (this.#sweeping) clearTimeout(this.#sweeping);
    for (const stream of this.#idle.splice(0)) stream.end();
  }
}
