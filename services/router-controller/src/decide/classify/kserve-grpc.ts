/** KServe v2 over gRPC: one long-lived channel per address, a deadline on every call. */
import { status as grpcStatus, type ServiceError } from '@grpc/grpc-js';
import {
  createKServeClient,
  encodeBytes,
  type KServeClient,
  type ModelInferRequest,
  type ModelInferResponse,
  type RequestedOutput,
  readOutput,
} from '@llm-router/protos';
import type { TargetTls } from '../../config/types.ts';
import { describeModel } from './describe-model.ts';
import { FollowingClient } from './following-client.ts';
import { InferStreams } from './infer-streams.ts';
import {
  aborted,
  assemble,
  type CallOptions,
  ClassifierError,
  type ClassifierFailure,
  type InferResult,
  labelsFromClasses,
  type ModelClient,
  type ModelDescription,
  noAnswer,
  PROBE_TEXT,
  WIRE,
  withDetails,
} from './model-client.ts';
import type { ModelConfig } from './same-encoder.ts';
import { advice, plainDetails, secureChannel } from './secure-channel.ts';

const FAILURES: Readonly<Record<number, ClassifierFailure>> = {
  [grpcStatus.DEADLINE_EXCEEDED]: 'timeout',
  [grpcStatus.CANCELLED]: 'aborted',
  [grpcStatus.UNAVAILABLE]: 'unavailable',
  [grpcStatus.RESOURCE_EXHAUSTED]: 'unavailable',
  [grpcStatus.NOT_FOUND]: 'unavailable',
};

/** How a server says that it does not know the classification extension. */
const REFUSALS: ReadonlySet<number> = new Set([
  grpcStatus.INVALID_ARGUMENT,
  grpcStatus.UNIMPLEMENTED,
  grpcStatus.UNKNOWN,
]);

/** A server that answers, but not by this model: it knows none of that name, or says of it that it is not ready. */
function isAbsent(error: unknown, model: string): boolean {
  const { code } = ((error as Error).cause ?? {}) as Partial<ServiceError>;
  if (code === grpcStatus.UNAVAILABLE) return (error as Error).message.includes(`'${model}'`);
  return code === grpcStatus.NOT_FOUND;
}

type Method = Exclude<keyof KServeClient, 'close' | 'ModelStreamInfer'>;
type Reply<M extends Method> = Parameters<Parameters<KServeClient[M]>[2]>[1];
type Call = (
  request: object,
  options: object,
  callback: (error: ServiceError | null, reply: unknown) => void,
) => { cancel(): void };

/** grpc-js takes down the stack of each call, for an error that few of them end with and that we tell in our own words. */
function withoutStack<T>(run: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

export class KServeGrpcClient implements ModelClient {
  readonly address: string;
  readonly #model: string;
  readonly #isSecure: boolean;
  readonly #client: FollowingClient;
  readonly #streams: InferStreams;

  /**
   * @param address host:port
   * @param tls how TLS is spoken; null: as the machine trusts; absent: in clear.
   */
  constructor(address: string, model: string, tls?: TargetTls | null) {
    this.address = address;
    this.#model = model;
    this.#isSecure = tls !== undefined;
    this.#streams = new InferStreams(address);
    const secure = tls === undefined ? undefined : secureChannel(tls);
    // grpc-js obeys http_proxy by itself, also on loopback; the classifier is inside the operator's own network.
    this.#client = new FollowingClient(address, (target) =>
      createKServeClient(target, { 'grpc.enable_http_proxy': 0, ...secure?.options }, secure?.credentials),
    );
  }

  #call<M extends Method>(
    method: M,
    request: object,
    { deadlineMs, signal }: CallOptions,
  ): Promise<Reply<M>> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(aborted());
        return;
      }
      // grpc-js may sit on a call when a server restarts (grpc-node#2785), so the deadline is kept here as well.
      let call: ReturnType<Call> | null = null;
      const timer = setTimeout(() => {
        call?.cancel();
        finish(noAnswer(this.address, deadlineMs));
      }, deadlineMs + 5);
      const onAbort = () => {
        call?.cancel();
        finish(aborted());
      };
      const finish = (error: ClassifierError | null, reply?: Reply<M>) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        if (error) reject(error);
        else resolve(reply as Reply<M>);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const client = this.#client.current;
      const invoke = (client[method] as unknown as Call).bind(client);
      try {
        call = withoutStack(() =>
          invoke(request, { deadline: Date.now() + deadlineMs }, (error, reply) => {
            if (!error) return finish(null, reply as Reply<M>);
            const reason = FAILURES[error.code] ?? 'other';
            const said = error.details || error.message;
            const more = reason === 'unavailable' ? advice(said, this.#isSecure) : '';
            finish(new ClassifierError(reason, `${this.address}: ${plainDetails(said)}${more}`, error));
          }),
        );
      } catch (error) {
        // A channel that was closed meanwhile, by a reload or at the end, takes no call.
        finish(new ClassifierError('unavailable', `${this.address}: ${(error as Error).message}`, error));
      }
    });
  }

  #request(model: string, texts: readonly string[], outputs: RequestedOutput[]): ModelInferRequest {
    return {
      model_name: model,
      inputs: [{ name: WIRE.input, datatype: 'BYTES', shape: [texts.length, 1] }],
      outputs,
      raw_input_contents: [encodeBytes(texts)],
    };
  }

  #numbers(response: ModelInferResponse, name: string): readonly number[] | null {
    let output: ReturnType<typeof readOutput>;
    try {
      output = readOutput(response, name);
    } catch (error) {
      throw new ClassifierError('bad_answer', `output ${name}: ${(error as Error).message}`, error);
    }
    if (output?.numbers.some((value) => !Number.isFinite(value))) {
      throw new ClassifierError('bad_answer', `output ${name} holds values that are no numbers`);
    }
    return output?.numbers ?? null;
  }

  async describe(options: CallOptions): Promise<ModelDescription> {
    const described = await this.#describe(options);
    const probe = this.#request(described.model ?? this.#model, [PROBE_TEXT], [{ name: WIRE.output }]);
    void this.#streams.probe(this.#client.current, probe, options);
    return described;
  }

  #describe(options: CallOptions): Promise<ModelDescription> {
    return describeModel(this.#model, {
      config: (model) => this.#config(model, options),
      metadata: (name) => this.#call('ModelMetadata', { name }, options),
      probe: async (model) => {
        const request = this.#request(model, [PROBE_TEXT], [{ name: WIRE.output }]);
        const answer = await this.#call('ModelInfer', request, options);
        return {
          version: answer.model_version,
          size: this.#numbers(answer, WIRE.output)?.length ?? 0,
        };
      },
      labels: (model, output, size) => this.#labels(model, output, size, options),
      isAbsent,
    });
  }

  /** ModelConfig is Triton's extension: a server without it simply does not tell. */
  async #config(name: string, options: CallOptions): Promise<ModelConfig | undefined> {
    try {
      return (await this.#call('ModelConfig', { name }, options)).config;
    } catch {
      return undefined;
    }
  }

  async #labels(
    model: string,
    name: string,
    size: number,
    options: CallOptions,
  ): Promise<readonly string[] | null> {
    const outputs = [{ name, parameters: { classification: { int64_param: size } } }];
    try {
      const response = await this.#call('ModelInfer', this.#request(model, [PROBE_TEXT], outputs), options);
      const rows = readOutput(response, name)?.bytes ?? [];
      return rows.length > 0 ? labelsFromClasses(rows.map((row) => row.toString('utf8'))) : null;
    } catch (error) {
      // A server without the classification extension tells no labels. Anything else is a real failure: a server that
      // is going down must not turn a model with labels into one that is matched by position.
      const { code } = ((error as Error).cause ?? {}) as Partial<ServiceError>;
      if (code !== undefined && REFUSALS.has(code)) return null;
      throw error;
    }
  }

  infer(texts: readonly string[], want: ModelDescription, options: CallOptions): Promise<InferResult> {
    return withDetails(this.#model, want, isAbsent, (model, wanted) =>
      this.#infer(model, texts, wanted, options),
    );
  }

  async #infer(
    model: string,
    texts: readonly string[],
    want: ModelDescription,
    options: CallOptions,
  ): Promise<InferResult> {
    const outputs: RequestedOutput[] = [{ name: WIRE.output }];
    if (want.hasTokenCount) outputs.push({ name: WIRE.tokenCount });
    if (want.scoreNames.length > 0) outputs.push({ name: WIRE.scores });
    if (want.embeddingOf) outputs.push({ name: WIRE.embedding });
    const request = this.#request(model, texts, outputs);
    const response = await this.#streams.ask(this.#client.current, request, options, (rest) =>
      this.#call('ModelInfer', request, rest),
    );
    const output = this.#numbers(response, WIRE.output);
    if (!output) throw new ClassifierError('bad_answer', `the answer of ${model} has no ${WIRE.output}`);
    const tokenCount = want.hasTokenCount ? this.#numbers(response, WIRE.tokenCount) : null;
    const scores = want.scoreNames.length > 0 ? this.#numbers(response, WIRE.scores) : null;
    const embedding = want.embeddingOf ? this.#numbers(response, WIRE.embedding) : null;
    return {
      answers: assemble(texts.length, want.size, output, tokenCount, scores, embedding),
      modelVersion: response.model_version || want.version,
    };
  }

  close(): void {
    this.#streams.close();
    this.#client.close();
  }
}
