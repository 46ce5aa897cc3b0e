/** KServe v2 over HTTP/JSON: what v1's `url` names, and all that some servers speak. */
import { Agent, request } from 'undici';
import { type TlsOptions, tlsOptions } from '../../config/tls.ts';
import type { TargetTls } from '../../config/types.ts';
import { describeModel } from './describe-model.ts';
import {
  aborted,
  assemble,
  type CallOptions,
  ClassifierError,
  type InferResult,
  labelsFromClasses,
  type ModelClient,
  type ModelDescription,
  PROBE_TEXT,
  WIRE,
  withDetails,
} from './model-client.ts';
import type { ModelConfig } from './same-encoder.ts';
import { advice } from './secure-channel.ts';

interface JsonTensor {
  readonly name: string;
  readonly datatype?: string;
  readonly shape: readonly number[];
  readonly data?: readonly unknown[];
}

interface JsonAnswer {
  readonly model_version?: string;
  readonly outputs?: readonly JsonTensor[];
  readonly error?: string;
}

interface JsonMetadata {
  readonly inputs?: readonly JsonTensor[];
  readonly outputs?: readonly JsonTensor[];
  readonly error?: string;
}

const flat = (data: readonly unknown[] | undefined): unknown[] => (data ?? []).flat(4);

function numbers(tensor: JsonTensor): number[] {
  const values = flat(tensor.data).map(Number);
  if (values.some((value) => !Number.isFinite(value))) {
    throw new ClassifierError('bad_answer', `output ${tensor.name} holds values that are no numbers`);
  }
  return values;
}

/** A server that answers, but not by this model: it knows none of that name, or says of it that it is not ready. */
function isAbsent(error: unknown, model: string): boolean {
  const { status } = ((error as Error).cause ?? {}) as { status?: number };
  if (status === 503) return (error as Error).message.includes(`'${model}'`);
  return status === 404 || status === 400;
}

/** A busy connection would keep to one replica, and to an address that its name has left: after so long DNS is asked again, milliseconds. */
const CONNECTION_AGE_MS = 5_000;

const connections = (tls: TlsOptions) =>
  new Agent({
    connections: 16,
    pipelining: 1,
    connect: { timeout: 2_000, ...tls },
    keepAliveTimeout: 30_000,
  });

export class KServeHttpClient implements ModelClient {
  readonly address: string;
  readonly #model: string;
  readonly #connectionAgeMs: number;
  readonly #tls: TlsOptions;
  #agent: Agent;
  #since = performance.now();

  /**
   * @param address origin, such as http://router-server:8000
   * @param tls of an https origin; null: as the machine trusts.
   */
  constructor(
    address: string,
    model: string,
    tls: TargetTls | null = null,
    connectionAgeMs = CONNECTION_AGE_MS,
  ) {
    this.address = address;
    this.#model = model;
    this.#connectionAgeMs = connectionAgeMs;
    this.#tls = tlsOptions(tls);
    this.#agent = connections(this.#tls);
  }

  /** Connections that are young enough; older ones end when their calls have. */
  #connections(): Agent {
    if (performance.now() - this.#since >= this.#connectionAgeMs) {
      void this.#agent.close().catch(() => {});
      this.#agent = connections(this.#tls);
      this.#since = performance.now();
    }
    return this.#agent;
  }

  async #json<T extends { error?: string }>(
    model: string,
    path: string,
    body: unknown,
    { deadlineMs, signal }: CallOptions,
  ): Promise<T> {
    const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(deadlineMs)));
    const both = signal ? AbortSignal.any([signal, timeout]) : timeout;
    let status: number;
    let text: string;
    try {
      const response = await request(`${this.address}/v2/models/${encodeURIComponent(model)}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
        dispatcher: this.#connections(),
        signal: both,
      });
      status = response.statusCode;
      text = await response.body.text();
    } catch (error) {
      if (signal?.aborted) throw aborted(error);
      if (timeout.aborted)
        throw new ClassifierError('timeout', `no answer within ${Math.round(deadlineMs)} ms`, error);
      const said = (error as Error).message;
      const more = this.address.startsWith('https:') ? advice(said, true) : '';
      throw new ClassifierError('unavailable', `${this.address}: ${said}${more}`, error);
    }
    let parsed: T;
    try {
      parsed = JSON.parse(text) as T;
    } catch (error) {
      throw new ClassifierError('bad_answer', `${this.address} answered ${status} without JSON`, error);
    }
    if (status >= 400 || parsed === null || typeof parsed !== 'object') {
      const reason = status === 503 || status === 502 || status === 504 ? 'unavailable' : 'other';
      throw new ClassifierError(
        reason,
        `${this.address} answered ${status}: ${parsed?.error ?? 'no reason given'}`,
        { status },
      );
    }
    return parsed;
  }

  #input(texts: readonly string[]) {
    return { name: WIRE.input, datatype: 'BYTES', shape: [texts.length, 1], data: texts };
  }

  describe(options: CallOptions): Promise<ModelDescription> {
    return describeModel(this.#model, {
      config: (model) => this.#config(model, options),
      metadata: (model) => this.#json<JsonMetadata>(model, '', undefined, options),
      probe: async (model) => {
        const probe = { inputs: [this.#input([PROBE_TEXT])], outputs: [{ name: WIRE.output }] };
        const answer = await this.#json<JsonAnswer>(model, '/infer', probe, options);
        const output = answer.outputs?.find((tensor) => tensor.name === WIRE.output);
        return { version: answer.model_version, size: flat(output?.data).length };
      },
      labels: (model, output, size) => this.#labels(model, output, size, options),
      isAbsent,
    });
  }

  /** ModelConfig is Triton's extension: a server without it simply does not tell. */
  async #config(model: string, options: CallOptions): Promise<ModelConfig | undefined> {
    try {
      return await this.#json<ModelConfig & { error?: string }>(model, '/config', undefined, options);
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
    try {
      const answer = await this.#json<JsonAnswer>(
        model,
        '/infer',
        { inputs: [this.#input([PROBE_TEXT])], outputs: [{ name, parameters: { classification: size } }] },
        options,
      );
      return labelsFromClasses(flat(answer.outputs?.[0]?.data).map(String));
    } catch (error) {
      // A server without the classification extension tells no labels. Anything else is a real failure: a server that
      // is going down must not turn a model with labels into one that is matched by position.
      const { status } = ((error as Error).cause ?? {}) as { status?: number };
      if (status === 400 || status === 501) return null;
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
    const names = [
      WIRE.output,
      ...(want.hasTokenCount ? [WIRE.tokenCount] : []),
      ...(want.scoreNames.length ? [WIRE.scores] : []),
      ...(want.embeddingOf ? [WIRE.embedding] : []),
    ];
    const answer = await this.#json<JsonAnswer>(
      model,
      '/infer',
      { inputs: [this.#input(texts)], outputs: names.map((name) => ({ name })) },
      options,
    );
    const values = (name: string) => {
      const tensor = answer.outputs?.find((output) => output.name === name);
      return tensor ? numbers(tensor) : null;
    };
    const output = values(WIRE.output);
    if (!output) throw new ClassifierError('bad_answer', `the answer of ${model} has no ${WIRE.output}`);
    return {
      answers: assemble(
        texts.length,
        want.size,
        output,
        values(WIRE.tokenCount),
        values(WIRE.scores),
        values(WIRE.embedding),
      ),
      modelVersion: answer.model_version ?? want.version,
    };
  }

  close(): void {
    void this.#agent.destroy();
  }
}
